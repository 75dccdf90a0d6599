import { identify, type Subject } from '#decision/administration';
import { type GatewayRequest, headerOf } from '#enforcement/gateway';
import { type WrittenEvent, WrittenPrincipal, writeHttpActivity } from '#evidence/log';
import type { FactView, Question, Verdict } from '#foundation/model';
import type { Identified } from './bearer.ts';
import type { Gate } from './gate.ts';
import type { Site } from './sites.ts';

/** The event of one judged request: who, what, the answer and why. Query values are never part of it. */
export function accessEvent(
  gate: Pick<Gate, 'facts'>,
  judged: {
    readonly id: string;
    readonly now: number;
    readonly question: Question;
    readonly verdict: Verdict;
    readonly request: GatewayRequest;
    readonly site: Site;
    /** Who asks, if they bear a cookie; looked up anew when the facts have changed since. */
    readonly identified?: Identified;
    /** The token of the enforcement point that asked for another proxy. */
    readonly via?: string;
  },
): WrittenEvent {
  const { id, now, question, verdict, request, site } = judged;
  const { via } = judged;
  const { principal, token } = whoAsked(gate.facts, judged);
  return writeHttpActivity({
    id,
    time: now,
    policySequence: verdict.policySequence,
    factRevision: verdict.factRevision,
    principal,
    method: request.method,
    url: {
      scheme: request.upgrade === 'websocket' ? (request.tls ? 'wss' : 'ws') : request.tls ? 'https' : 'http',
      hostname: site.host,
      port: request.port ?? undefined,
      path: request.path,
    },
    userAgent: headerOf(request, 'user-agent'),
    address: request.address,
    resource: site.id,
    verdict,
    unmapped: {
      action: question.action,
      route: question.request.route,
      ...(token === null ? {} : { token }),
      ...(via === undefined ? {} : { via }),
    },
    place: token === null && via === undefined ? site : undefined,
  });
}

const stranger = new WrittenPrincipal({ type: 'Anonymous', uid: 'anonymous' });

function whoAsked(
  facts: FactView,
  { identified, question, now }: { identified?: Identified; question: Question; now: number },
): { principal: WrittenPrincipal; token: string | null } {
  const bearer = identified?.bearer ?? null;
  // Between the judgement and a second event of the same request a session may have come to its end.
  if (bearer?.isOf(facts) === true && now < bearer.goodUntil) return { principal: bearer.principal, token: null };
  const subject = identify(facts, { asker: question.asker, now });
  return { principal: principalOf(subject), token: subject.token?.id ?? null };
}

function principalOf({ uid, user, session }: Subject): WrittenPrincipal {
  if (uid.type !== 'User' || user === null) {
    return uid.type === 'Workload' ? new WrittenPrincipal({ type: 'Workload', uid: uid.id }) : stranger;
  }
  const { name, email } = user;
  return new WrittenPrincipal({ type: 'User', uid: uid.id, name, email: email ?? undefined, sessionId: session?.id });
}

/** An administrator in the console may use the journal space that is kept, so that a full disk does not lock them out. */
export function isAdministration(
  gate: Gate,
  { site, asker }: { readonly site: Site; readonly asker: Question['asker'] },
): boolean {
  if (site.id !== 'console' || asker.kind !== 'session') return false;
  const session = gate.facts.get('session', asker.sessionId);
  const user = session === undefined ? undefined : gate.facts.get('user', session.user);
  return user?.groups.includes('administrators') === true;
}

/**
 * Of strangers' requests to one resource that were refused, and of those to one route that were let through, this many between
 * two flushes get an event each; the rest are counted.
 */
const strangerEventsMax = { allow: 10, deny: 5 };

/** Everything judged has an event of its own, except the many of one flood of strangers. */
export function isWorthAnEvent(
  gate: Gate,
  judged: {
    readonly identified: Identified;
    readonly question: Question;
    readonly verdict: Verdict;
    readonly site: Site;
  },
): boolean {
  const { identified, question, verdict, site } = judged;
  if (identified.asker.kind !== 'anonymous') return true;
  const { route, address } = question.request;
  const kind =
    verdict.answer === 'allow'
      ? ({ answer: 'allow', reason: route, policies: verdict.reasons } as const)
      : ({ answer: 'deny', reason: 'no session', policies: [] } as const);
  const ownEvents = strangerEventsMax[kind.answer];
  if (gate.countStranger({ ...kind, resource: site.id, address, ownEvents }) <= ownEvents) return true;
  // What is let through may be written later only while the journal is known to take it: else it must say no itself.
  return kind.answer === 'allow' && !gate.isJournalTaking();
}
