import type { JournalEvent } from '#foundation/model';
import {
  bounded,
  type EventStamp,
  ocsfActor,
  ocsfUrl,
  ocsfVerdict,
  type PrincipalInput,
  severityOf,
  subjectOf,
  type UrlInput,
  type VerdictInput,
} from './ocsf-objects.ts';

const methodActivities: ReadonlyMap<string, number> = new Map([
  ['CONNECT', 1],
  ['DELETE', 2],
  ['GET', 3],
  ['HEAD', 4],
  ['OPTIONS', 5],
  ['POST', 6],
  ['PUT', 7],
  ['TRACE', 8],
  ['PATCH', 9],
]);

/** OCSF `activity_id` of a method; undefined when the schema has none for it. */
export function activityOf(method: string): number | undefined {
  return methodActivities.get(method);
}

export interface HttpActivityInput extends EventStamp {
  readonly principal: PrincipalInput;
  readonly method: string;
  readonly url: UrlInput;
  /** Attacker-controlled. */
  readonly userAgent?: string | undefined;
  /** The client's address as our socket saw it. */
  readonly address: string;
  /** Name of the resource; null when the host names none. */
  readonly resource: string | null;
  readonly verdict: VerdictInput;
  /** What OCSF has no place for and explaining the decision needs, such as `action` and `route`. No secrets. */
  readonly unmapped?: Readonly<Record<string, unknown>>;
  /** Status code we answered with, when we answered ourselves. */
  readonly statusCode?: number;
  readonly message?: string;
}

/** OCSF HTTP Activity (4002): one request, judged. */
export function httpActivity(input: HttpActivityInput): JournalEvent {
  const { id, time, policySequence, factRevision, principal, method, verdict, resource } = input;
  const activityId = activityOf(method) ?? 99;
  const judged = ocsfVerdict(verdict, policySequence);
  return {
    id,
    time,
    classUid: 4002,
    activityId,
    severityId: severityOf(verdict.answer),
    statusId: verdict.answer === 'allow' ? 1 : 2,
    subject: subjectOf(principal),
    policySequence,
    factRevision,
    payload: {
      ...judged,
      profiles: ['security_control', 'host'],
      actor: ocsfActor(principal),
      ...(activityId === 99 ? { activity_name: bounded(method) } : {}),
      http_request: {
        http_method: bounded(method),
        url: ocsfUrl(input.url),
        ...(input.userAgent === undefined ? {} : { user_agent: bounded(input.userAgent) }),
      },
      ...(input.statusCode === undefined ? {} : { http_response: { code: input.statusCode } }),
      src_endpoint: { ip: input.address },
      dst_endpoint: {
        hostname: bounded(input.url.hostname),
        ...(resource === null ? {} : { svc_name: resource }),
      },
      unmapped: { ...judged.unmapped, ...input.unmapped },
      ...(input.message === undefined ? {} : { message: bounded(input.message) }),
    },
  };
}
