import type { PolicyStage, PolicyStates } from '#foundation/model';

/** `25% of subjects`, `segments pci`, `groups ops, dev`. */
export function stageWords(stage: PolicyStage): string {
  if ('percent' in stage) return `${stage.percent}% of subjects`;
  return 'segments' in stage ? `segments ${stage.segments.join(', ')}` : `groups ${stage.groups.join(', ')}`;
}

/** What a publication says of policies that are not enforced for everyone. */
export function statesWords(states: PolicyStates): string {
  return states
    .map((each) => (each.state === 'shadow' ? `${each.id} in shadow` : `${each.id} for ${stageWords(each.stage)}`))
    .join('; ');
}

/** Reads what a person typed for a stage; undefined when it is none. */
export function readStage(kind: 'percent' | 'segments' | 'groups', text: string): PolicyStage | undefined {
  if (kind === 'percent') {
    const percent = /^\s*([0-9]{1,3})\s*%?\s*$/.exec(text)?.[1];
    return percent === undefined || Number(percent) > 100 ? undefined : { percent: Number(percent) };
  }
  const names = text.split(/[\s,]+/).filter((name) => name !== '');
  if (names.length === 0 || names.length > 100) return undefined;
  return kind === 'segments' ? { segments: names } : { groups: names };
}
