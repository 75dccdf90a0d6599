import {
  type Answer,
  type GatewayRequest,
  isNavigation,
  type RefusalAction,
  type RefusalView,
  refusalAnswer,
} from '#enforcement/gateway';
import type { Remedy } from '#foundation/model';
import { answer, blank } from './answers.ts';
import type { Gate, Judged } from './gate.ts';
import { beginSignIn } from './sign-in.ts';

/** A judged no: strangers who can sign in are sent there; others learn why, and what would change it. */
export async function answerVerdict(gate: Gate, judged: Judged): Promise<void> {
  const { request, identified, verdict, question, now } = judged;
  const isStranger = identified.asker.kind === 'anonymous';
  gate.metrics.count(`nullius_decisions_total{answer="${verdict.answer}"}`);
  const remedies = gate.remedies(question, now);
  if (isStranger && isNavigation(request) && remedies.some((remedy) => remedy.kind === 'sign-in')) {
    return beginSignIn(gate, { ...judged, returnTo: request.method === 'GET' ? request.target : '/', fresh: false });
  }
  answer(gate, judged, judgedView(gate, judged, remedies));
}

/** The same without its client: what a proxy hands on. */
export function verdictAnswer(gate: Gate, judged: Omit<Judged, 'exchange'>): Answer {
  gate.metrics.count(`nullius_decisions_total{answer="${judged.verdict.answer}"}`);
  return refusalAnswer(judgedView(gate, judged, gate.remedies(judged.question, judged.now)), judged.request);
}

function judgedView(gate: Gate, judged: Omit<Judged, 'exchange'>, remedies: readonly Remedy[]): RefusalView {
  const { request, identified, verdict, question } = judged;
  const isStranger = identified.asker.kind === 'anonymous';
  const advice = gate.advice(verdict);
  const actions = [
    ...remedies.map((remedy) =>
      remedy.kind === 'request-grant' && hasAsked(gate, judged) ? waits : actionFor(remedy, request),
    ),
    ...advice.map((words): RefusalAction => ({ kind: 'words', words })),
  ];
  const isRead = question.action === 'read';
  return {
    ...blank(judged),
    status: isStranger ? 401 : 403,
    title: `${isStranger ? 'Sign in to' : 'You may not'} ${isRead ? 'open' : 'do'} this`,
    who: whoIs(gate, judged),
    reasons: reasonsFor(judged, advice),
    actions: actions.length > 0 ? actions : [askSomebody],
  };
}

/** Has this person asked for access to this app already, and got no answer yet? */
export function hasAsked(gate: Gate, { identified, site }: Pick<Judged, 'identified' | 'site'>): boolean {
  const { asker } = identified;
  const session = asker.kind === 'session' ? gate.facts.get('session', asker.sessionId) : undefined;
  if (session === undefined) return false;
  return gate.facts.grantsOf(session.user).some(({ body }) => body.state === 'requested' && body.resource === site.id);
}

const waits: RefusalAction = {
  kind: 'words',
  words: 'You have asked for access, and an administrator has yet to answer. Open this page again then.',
};

/** When nothing that the program knows of would help. */
const askSomebody: RefusalAction = {
  kind: 'words',
  words: 'Ask an administrator, and give them the reference below: with it they find this decision and its reason.',
};

const doings: Readonly<Record<string, string>> = {
  read: 'open this page of',
  write: 'send this to',
  delete: 'delete this in',
  connect: 'open a live connection to',
};

/** Why not, without the advice, which has a place of its own. */
function reasonsFor(
  { verdict, question, site, identified }: Omit<Judged, 'exchange'>,
  advice: readonly string[],
): readonly string[] {
  // No policy has words for what no policy speaks of.
  if (verdict.answer === 'deny' && verdict.reasons.length === 0 && identified.asker.kind !== 'token') {
    const doing = doings[question.action] ?? 'use';
    return [`No policy lets you ${doing} \`${site.resource.displayName}\`, and what none permits is refused.`];
  }
  return verdict.words.filter((words) => !advice.includes(words));
}

function actionFor(remedy: Remedy, request: GatewayRequest): RefusalAction {
  const returnTo = encodeURIComponent(request.method === 'GET' ? request.target : '/');
  switch (remedy.kind) {
    case 'sign-in':
      return {
        kind: 'link',
        label: 'Sign in',
        endpoint: `/.nullius/sign-in?return_to=${returnTo}`,
        words: remedy.words,
      };
    case 'fresh-authentication':
    case 'stronger-credential':
      return {
        kind: 'link',
        label: 'Sign in again',
        endpoint: `/.nullius/sign-in?return_to=${returnTo}&fresh=1`,
        words: remedy.words,
      };
    case 'request-grant':
      return {
        kind: 'form',
        label: 'Request access',
        endpoint: '/.nullius/request-access',
        words: `${remedy.words} An administrator decides.`,
        fields: {},
        reasonLabel: 'Why do you need it?',
      };
    case 'bound-session':
    case 'compliant-device':
      return { kind: 'words', words: remedy.words };
  }
}

/** How the asker is known to people: a user's name, never an id. */
export function whoIs(gate: Gate, { identified }: Pick<Judged, 'identified'>): string | null {
  const { asker } = identified;
  if (asker.kind === 'session') {
    const session = gate.facts.get('session', asker.sessionId);
    return (session === undefined ? undefined : gate.facts.get('user', session.user)?.name) ?? null;
  }
  return asker.kind === 'token' ? `token ${gate.facts.get('token', asker.tokenId)?.label ?? ''}` : null;
}
