import { policySetOf } from '#decision/administration';
import type { PolicyStage, PolicyState, PolicyStates } from '#foundation/model';
import { nearestWord } from '../config/nearest.ts';

/** What shall become of one policy. */
export type StateChange = { readonly id: string } & (PolicyState | { readonly state: 'enforced' });

/** A state for a policy that the set does not have; the message is fit for people. */
export class UnknownPolicyError extends Error {
  override readonly name = 'UnknownPolicyError';
}

/** Ids that are told where none is near. */
const knownIdsMax = 20;

/** The states after `changes`: of policies that are no longer there, none. Throws UnknownPolicyError for a change of no policy. */
export function statesAfter(
  before: PolicyStates,
  { changes, ...set }: { changes: readonly StateChange[] } & Omit<Parameters<typeof policySetOf>[0], 'sequence'>,
): PolicyStates {
  if (before.length === 0 && changes.length === 0) return [];
  const { policies } = policySetOf({ ...set, sequence: 0 });
  const stray = changes.find(({ id }) => !policies.has(id));
  if (stray !== undefined) {
    const nearest = nearestWord(stray.id, policies.keys());
    const known = [...policies.keys()].slice(0, knownIdsMax).map((id) => `\`${id}\``);
    const words = nearest === undefined ? `there are ${known.join(', ')}` : `the nearest is \`${nearest}\``;
    throw new UnknownPolicyError(`no policy has the id \`${stray.id}\`; ${words}`);
  }
  const states = new Map<string, StateChange>(
    before.filter(({ id }) => policies.has(id)).map((each) => [each.id, each]),
  );
  for (const change of changes) states.set(change.id, change);
  return [...states.values()].filter((each) => each.state !== 'enforced');
}

/** `25%`, `segment pci`, `group ops, dev` */
function stageWords(stage: PolicyStage): string {
  if ('percent' in stage) return `${stage.percent}%`;
  return 'segments' in stage ? `segment ${stage.segments.join(', ')}` : `group ${stage.groups.join(', ')}`;
}

/** `a: shadow, b: staged 25%` */
export function describeChanges(changes: readonly StateChange[]): string {
  const words = changes.map(
    (each) => `${each.id}: ${each.state}${each.state === 'staged' ? ` ${stageWords(each.stage)}` : ''}`,
  );
  const text = words.join(', ');
  return text.length <= describedMax ? text : `${text.slice(0, describedMax - 1)}…`;
}

const describedMax = 500;
