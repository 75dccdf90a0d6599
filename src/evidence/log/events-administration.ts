import type { JournalEvent } from '#foundation/model';
import {
  bounded,
  type EventStamp,
  ocsfActor,
  ocsfVerdict,
  type PrincipalInput,
  severityOf,
  subjectOf,
  type VerdictInput,
} from './ocsf-objects.ts';

const entityActivities = {
  create: 1,
  read: 2,
  update: 3,
  delete: 4,
  enable: 8,
  disable: 9,
  activate: 10,
  deactivate: 11,
  suspend: 12,
  resume: 13,
} as const;

export interface EntityManagementInput extends EventStamp {
  readonly by: PrincipalInput;
  readonly activity: keyof typeof entityActivities;
  /** Kind and id of the fact, such as `resource` and `wiki`. */
  readonly entity: { readonly type: string; readonly uid: string; readonly name?: string };
  readonly outcome: 'success' | 'failure';
  readonly message: string;
  /** What changed, without secrets. */
  readonly comment?: string;
  readonly severityId?: number;
}

/** OCSF Entity Management (3004): an administrator changed a group, resource, segment, policy, token … */
export function entityManagement(input: EntityManagementInput): JournalEvent {
  const { id, time, policySequence, factRevision, by, entity, outcome } = input;
  return {
    id,
    time,
    classUid: 3004,
    activityId: entityActivities[input.activity],
    severityId: input.severityId ?? (outcome === 'success' ? 1 : 2),
    statusId: outcome === 'success' ? 1 : 2,
    subject: subjectOf(by),
    policySequence,
    factRevision,
    payload: {
      actor: ocsfActor(by),
      entity: { type: entity.type, uid: entity.uid, name: entity.name ?? entity.uid },
      message: bounded(input.message),
      ...(input.comment === undefined ? {} : { comment: bounded(input.comment) }),
    },
  };
}

export interface ApiActivityInput extends EventStamp {
  readonly by: PrincipalInput;
  readonly method: string;
  /** Operation of the API, such as `POST /api/v1/sessions/{id}/revoke`: the route, never the raw URL. */
  readonly operation: string;
  /** What it was about, such as `session` and its id. */
  readonly resource?: { readonly type: string; readonly uid: string };
  /** The client's address, or `local` for the control socket. */
  readonly address: string;
  readonly verdict: VerdictInput;
  readonly statusCode?: number;
  readonly message?: string;
}

const operationActivities: Partial<Record<string, number>> = { POST: 1, GET: 2, HEAD: 2, PUT: 3, PATCH: 3, DELETE: 4 };

/** OCSF API Activity (6003): a call of the administration API, judged. */
export function apiActivity(input: ApiActivityInput): JournalEvent {
  const { id, time, policySequence, factRevision, by, verdict, resource, address } = input;
  const activityId = operationActivities[input.method] ?? 99;
  return {
    id,
    time,
    classUid: 6003,
    activityId,
    severityId: severityOf(verdict.answer),
    statusId: verdict.answer === 'allow' ? 1 : 2,
    subject: subjectOf(by),
    policySequence,
    factRevision,
    payload: {
      ...ocsfVerdict(verdict, policySequence),
      profiles: ['security_control'],
      actor: ocsfActor(by),
      api: { operation: bounded(input.operation), service: { name: 'control' }, version: 'v1' },
      src_endpoint: address === 'local' ? { name: 'local' } : { ip: address },
      dst_endpoint: { svc_name: 'control' },
      ...(resource === undefined ? {} : { resources: [{ ...resource, name: resource.uid }] }),
      ...(input.statusCode === undefined ? {} : { http_response: { code: input.statusCode } }),
      ...(input.message === undefined ? {} : { message: bounded(input.message) }),
      ...(activityId === 99 ? { activity_name: bounded(input.method) } : {}),
    },
  };
}

const lifecycleActivities = { start: 3, stop: 4, restart: 5, enable: 6, disable: 7, update: 8 } as const;

export interface ApplicationLifecycleInput extends EventStamp {
  readonly activity: keyof typeof lifecycleActivities;
  /** The process, such as `gateway-1`. */
  readonly process: string;
  readonly outcome: 'success' | 'failure';
  readonly message: string;
}

/** OCSF Application Lifecycle (6002): a process started, stopped, took a new configuration. */
export function applicationLifecycle(input: ApplicationLifecycleInput): JournalEvent {
  return {
    id: input.id,
    time: input.time,
    classUid: 6002,
    activityId: lifecycleActivities[input.activity],
    severityId: input.outcome === 'success' ? 1 : 3,
    statusId: input.outcome === 'success' ? 1 : 2,
    subject: 'system',
    policySequence: input.policySequence,
    factRevision: input.factRevision,
    payload: {
      app: { name: 'Nullius', vendor_name: 'Nullius', feature: { name: input.process } },
      message: bounded(input.message),
    },
  };
}

export interface ApplicationErrorInput extends EventStamp {
  readonly process: string;
  /** OCSF severity: 3 medium, 4 high, 5 critical. */
  readonly severityId: 3 | 4 | 5;
  /** Stable name of the kind of error. */
  readonly code: string;
  readonly message: string;
}

/** OCSF Application Error (6008): something of ours failed. */
export function applicationError(input: ApplicationErrorInput): JournalEvent {
  return {
    id: input.id,
    time: input.time,
    classUid: 6008,
    activityId: 1,
    severityId: input.severityId,
    statusId: 2,
    subject: 'system',
    policySequence: input.policySequence,
    factRevision: input.factRevision,
    payload: { status_code: input.code, message: bounded(input.message), unmapped: { process: input.process } },
  };
}
