import { jsonText } from '#foundation/encoding';
import type { JournalEvent } from '#foundation/model';
import {
  bounded,
  type EventStamp,
  ocsfActor,
  ocsfVerdict,
  type PrincipalInput,
  severityOf,
  type VerdictInput,
} from './ocsf-objects.ts';
import type { WrittenEvent } from './write-http-activity.ts';

interface ToldSubject {
  readonly type: string;
  readonly id: string;
  /** Of one of ours, for people. */
  readonly name?: string | undefined;
  /** What the caller said could mean two people, and so meant nobody. */
  readonly isAmbiguous?: boolean;
}

export interface PdpActivityInput extends EventStamp {
  /** The caller: who asked the PDP. */
  readonly by: PrincipalInput;
  /** Id of the caller's token. */
  readonly token: string;
  /** What was asked for: `evaluation`, `search/subject`, `forward-auth` … */
  readonly operation: string;
  /** About whom; attacker-controlled as far as the caller is. Null when nobody could be made out. */
  readonly subject: ToldSubject | null;
  readonly action: string | null;
  readonly resource: { readonly type: string; readonly id: string } | null;
  /** The caller's address. */
  readonly address: string;
  readonly verdict: VerdictInput;
  /** The caller's `X-Request-ID`. */
  readonly requestId?: string | undefined;
  readonly message?: string | undefined;
  /** What explaining the decision needs besides. */
  readonly unmapped?: Readonly<Record<string, unknown>>;
}

function told({ type, id, name, isAmbiguous }: ToldSubject) {
  return {
    type: bounded(type),
    id: bounded(id),
    ...(name === undefined ? {} : { name: bounded(name) }),
    ...(isAmbiguous === true ? { ambiguous: 'it could mean two people, so it means nobody' } : {}),
  };
}

/** OCSF API Activity (6003): a decision asked of the PDP. Sealed by the key of the person it is about, if it is one of ours. */
export function pdpActivity(input: PdpActivityInput): JournalEvent {
  const { id, time, policySequence, factRevision, by, subject, resource, verdict, action } = input;
  const judged = ocsfVerdict(verdict, policySequence);
  return {
    id,
    time,
    classUid: 6003,
    activityId: 2,
    severityId: severityOf(verdict.answer),
    statusId: verdict.answer === 'allow' ? 1 : 2,
    subject: subject?.type === 'User' ? subject.id : 'system',
    policySequence,
    factRevision,
    payload: {
      ...judged,
      profiles: ['security_control'],
      actor: ocsfActor(by),
      api: {
        operation: bounded(input.operation),
        service: { name: 'pdp' },
        version: 'v1',
        ...(input.requestId === undefined ? {} : { request: { uid: bounded(input.requestId) } }),
      },
      src_endpoint: { ip: input.address },
      dst_endpoint: { svc_name: 'pdp' },
      ...(resource === null
        ? {}
        : { resources: [{ type: bounded(resource.type), uid: bounded(resource.id), name: bounded(resource.id) }] }),
      unmapped: {
        ...judged.unmapped,
        token: input.token,
        ...(action === null ? {} : { action: bounded(action) }),
        ...(subject === null ? {} : { subject: told(subject) }),
        ...input.unmapped,
      },
      ...(input.message === undefined ? {} : { message: bounded(input.message) }),
    },
  };
}

/** One answer in the event of a batch; `action`, `type` and `resource` are attacker-controlled, null where they could not be read. */
export interface EvaluatedInput {
  readonly answer: string;
  readonly action: string | null;
  readonly type: string | null;
  readonly resource: string | null;
  readonly policies: readonly string[];
}

const nameLengthMax = 200;
const nullable = (text: string | null) => (text === null ? 'null' : jsonText(text.slice(0, nameLengthMax)));

interface Alike extends Omit<EvaluatedInput, 'resource'> {
  /** JSON, without the brackets. */
  resources: string;
}

/**
 * The evaluations of a batch, as JSON for its event. Those with the same answer for the same reason stand together, with a list of what they
 * were about: of a batch, most is said once.
 */
export class EvaluationList {
  readonly #alike: Alike[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add({ answer, action, type, resource, policies }: EvaluatedInput): void {
    this.#count += 1;
    const about = nullable(resource);
    for (const each of this.#alike) {
      // Lists of policies are the same objects where one policy decided, or none.
      if (each.action !== action || each.answer !== answer || each.type !== type || each.policies !== policies)
        continue;
      each.resources += `,${about}`;
      return;
    }
    this.#alike.push({ answer, action, type, policies, resources: about });
  }

  /** Members of an object. */
  text(): string {
    const list = this.#alike.map(
      ({ answer, action, type, policies, resources }) =>
        `{"answer":"${answer}","action":${nullable(action)},"type":${nullable(type)},"policies":${JSON.stringify(policies)},"resources":[${resources}]}`,
    );
    return `"count":${this.#count},"evaluations":[${list.join(',')}]`;
  }
}

/** The event of a batch, as text: `unmapped.evaluations` is most of it, and is written straight. */
export function writePdpBatch(input: Omit<PdpActivityInput, 'message'>, evaluations: EvaluationList): WrittenEvent {
  const event = pdpActivity(input);
  // `unmapped` stands last, and is never empty.
  const text = JSON.stringify(event.payload).slice(0, -2);
  return { ...event, payload: `${text},${evaluations.text()}}}` };
}
