import { findRemedies, judge } from '#decision/administration';
import type { Question, Verdict } from '#foundation/model';
import type { Caller } from './caller.ts';
import { callEvent } from './event.ts';
import { ApiProblem } from './problem.ts';
import type { Noun, Route } from './route.ts';
import type { ApiServices } from './services.ts';

/** The operator gets in on a full disk: the way back is there for such days. */
const operators = { isReserved: true } as const;

interface Asked {
  readonly noun: Noun;
  readonly action: 'read' | 'write';
  readonly method: string;
  readonly path: string;
}

/** The question that a call of the API is. Path and method are attacker-controlled, parsed and bounded. */
export function administrationQuestion(services: Pick<ApiServices, 'urls'>, caller: Caller, asked: Asked): Question {
  return {
    asker: caller.asker,
    action: asked.action === 'read' ? 'administer-read' : 'administer-write',
    resource: { type: 'Service', id: 'control' },
    request: {
      method: asked.method,
      host: `console.${services.urls.domain}`,
      path: asked.path.slice(0, 2000),
      route: 'default',
      address: caller.address === '' ? '127.0.0.1' : caller.address,
      tls: services.urls.scheme === 'https',
      noun: asked.noun,
    },
  };
}

/** May the caller read or write this noun? Without a log entry: for showing what one may do. */
export function mayAdminister(services: ApiServices, caller: Caller, asked: Pick<Asked, 'noun' | 'action'>): boolean {
  const question = administrationQuestion(services, caller, { ...asked, method: 'GET', path: '/' });
  const verdict = judge({ view: services.facts, policies: services.policies(), question, now: services.clock() });
  return verdict.answer === 'allow';
}

/**
 * Judges a call by policy. Gives the verdict that lets it pass; throws ApiProblem 403, with the event written first. The operator's
 * ways back pass although policy says no, and shout.
 */
export async function authorise(
  services: ApiServices,
  caller: Caller,
  asked: { readonly route: Route; readonly path: string },
): Promise<Verdict> {
  const { route, path } = asked;
  const question = administrationQuestion(services, caller, {
    noun: route.noun,
    action: route.action,
    method: route.method,
    path,
  });
  const input = { view: services.facts, policies: services.policies(), question, now: services.clock() };
  const verdict = judge(input);
  const common = { caller, method: route.method, operation: `${route.method} /api/v1${route.path}`, verdict };
  if (verdict.answer === 'allow') {
    // Behind the gateway the same request is journalled there; here only what came by the local socket.
    if (caller.isOperator) {
      await services.emit(callEvent(services, { ...common, message: `allowed: ${route.summary}` }), operators);
    }
    return verdict;
  }
  if (caller.isOperator && route.isWayBack === true) {
    const message = 'the local operator used the way back, although policy says no';
    await services.emit(callEvent(services, { ...common, message, severity: 'critical' }), operators);
    return verdict;
  }
  const event = callEvent(services, { ...common, message: `refused: ${route.summary}` });
  await services.emit(event);
  throw new ApiProblem({
    status: 403,
    code: 'denied',
    detail: `you may not ${route.action === 'read' ? 'read' : 'change'} \`${route.noun}\` here`,
    words: verdict.words,
    remedies: findRemedies(input),
    correlationId: event.id,
  });
}

/**
 * A call that was let pass wants more than its route says. Throws ApiProblem 403, with the event written first, unless policy lets the
 * caller do this too.
 */
export async function authoriseAlso(
  services: ApiServices,
  caller: Caller,
  asked: Asked & { readonly words: string },
): Promise<void> {
  const question = administrationQuestion(services, caller, asked);
  const input = { view: services.facts, policies: services.policies(), question, now: services.clock() };
  const verdict = judge(input);
  if (verdict.answer === 'allow') return;
  const { method, path, words, noun } = asked;
  const message = `refused: ${words}`;
  const event = callEvent(services, { caller, method, operation: `${method} ${path}`, verdict, message });
  await services.emit(event);
  throw new ApiProblem({
    status: 403,
    code: 'denied',
    detail: `you may not ${words} (\`${noun}\`)`,
    words: verdict.words,
    remedies: findRemedies(input),
    correlationId: event.id,
  });
}
