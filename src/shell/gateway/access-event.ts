import { identify } from '#decision/administration';
import { type GatewayRequest, headerOf } from '#enforcement/gateway';
import { httpActivity } from '#evidence/log';
import type { JournalEvent, Question, Verdict } from '#foundation/model';
import type { Gate } from './gate.ts';
import type { Identified } from './identify-asker.ts';
import type { Site } from './sites.ts';

/** The event of one judged request: who, what, the answer and why. Query values are never part of it. */
export function accessEvent(
  gate: Gate,
  judged: {
    readonly id: string;
    readonly now: number;
    readonly question: Question;
    readonly verdict: Verdict;
    readonly request: GatewayRequest;
    readonly site: Site;
  },
): JournalEvent {
  const { id, now, question, verdict, request, site } = judged;
  const subject = identify(gate.facts, { asker: question.asker, now });
  return httpActivity({
    id,
    time: now,
    policySequence: verdict.policySequence,
    factRevision: verdict.factRevision,
    principal: {
      type: subject.uid.type === 'User' ? 'User' : subject.uid.type === 'Workload' ? 'Workload' : 'Anonymous',
      uid: subject.uid.id,
      name: subject.user?.name,
      email: subject.user?.email ?? undefined,
      sessionId: subject.session?.id,
    },
    method: request.method,
    url: {
      scheme: request.upgrade === 'websocket' ? (request.tls ? 'wss' : 'ws') : request.tls ? 'https' : 'http',
      hostname: request.host,
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
      ...(subject.token === null ? {} : { token: subject.token.id }),
    },
  });
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

/** Of a stranger's denials on one resource, this many between two flushes get an event each; the rest are counted. */
const strangerEventsMax = 5;

/** Everything judged has an event of its own, except the many denials of one flood of strangers. */
export function isWorthAnEvent(
  gate: Gate,
  judged: {
    readonly identified: Identified;
    readonly verdict: Verdict;
    readonly site: Site;
    readonly request: GatewayRequest;
  },
): boolean {
  const { identified, verdict, site, request } = judged;
  if (identified.asker.kind !== 'anonymous' || verdict.answer === 'allow') return true;
  const reason = 'no session';
  return gate.countStranger({ resource: site.id, reason, address: request.address }) <= strangerEventsMax;
}
