import { apiActivity, entityManagement, type PrincipalInput } from '#evidence/log';
import { toIdentifier } from '#foundation/encoding';
import type { JournalEvent, Verdict } from '#foundation/model';
import type { Caller } from './caller.ts';
import type { ApiServices } from './services.ts';

/** OCSF severities an administrative event may have. */
export const severities = { informational: 1, medium: 3, high: 4, critical: 5 } as const;

type EventNeeds = Pick<ApiServices, 'clock' | 'random' | 'facts'>;

function stamp(needs: EventNeeds) {
  return {
    id: toIdentifier(needs.random(16)),
    time: needs.clock(),
    policySequence: needs.facts.get('publication', 'current')?.sequence ?? 0,
    factRevision: needs.facts.revision,
  };
}

function principal(caller: Caller): PrincipalInput {
  const { user, sessionId } = caller;
  if (user === null) return { type: caller.uid.type === 'Workload' ? 'Workload' : 'Anonymous', uid: caller.uid.id };
  return { type: 'User', uid: user.id, name: user.body.name, ...(sessionId === null ? {} : { sessionId }) };
}

/** A call of the API, judged: OCSF API Activity. `operation` is the route, never the raw path. */
export function callEvent(
  needs: EventNeeds,
  parts: {
    readonly caller: Caller;
    readonly method: string;
    readonly operation: string;
    readonly verdict: Verdict;
    readonly message: string;
    readonly severity?: keyof typeof severities;
  },
): JournalEvent {
  const { caller, severity } = parts;
  const event = apiActivity({
    ...parts,
    ...stamp(needs),
    by: principal(caller),
    address: caller.address === '' ? 'local' : caller.address,
  });
  return severity === undefined ? event : { ...event, severityId: severities[severity] };
}

export interface ChangeEvent {
  /** What was changed: kind and id of the fact, and its name for people. */
  readonly entity: { readonly type: string; readonly uid: string; readonly name?: string };
  readonly activity: 'create' | 'update' | 'delete';
  readonly message: string;
  /** What changed, without secrets. */
  readonly comment?: string;
  readonly severity?: keyof typeof severities;
}

/** An administrative change: OCSF Entity Management. */
export function changeEvent(
  needs: EventNeeds,
  { caller, change }: { caller: Caller; change: ChangeEvent },
): JournalEvent {
  const { severity, ...rest } = change;
  return entityManagement({
    ...rest,
    ...stamp(needs),
    by: principal(caller),
    outcome: 'success',
    severityId: severities[severity ?? 'informational'],
  });
}
