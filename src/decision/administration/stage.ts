import { createHash } from 'node:crypto';
import type { EntityUid, PolicyStage } from '#foundation/model';

const hashSpan = 2 ** 48;

/**
 * Where a subject stands among all subjects for one policy, from 0 on and below 100: the same always, unrelated from policy to policy,
 * and of nothing but the subject's entity uid, which we gave it. No name, address or group that somebody can choose has a say.
 */
export function percentileOf(policy: string, { type, id }: EntityUid): number {
  // JSON, so that no choice of names makes two inputs alike.
  const hash = createHash('sha256')
    .update(JSON.stringify([policy, type, id]))
    .digest();
  return (hash.readUIntBE(0, 6) / hashSpan) * 100;
}

/** Whom and what a question is about, as far as stages ask: the groups above the principal, the segments around the resource. */
export interface StageSubject {
  readonly principal: EntityUid;
  readonly groups: readonly EntityUid[];
  readonly segments: readonly EntityUid[];
}

/** Is a staged policy in force for this question? Growing a percentage only ever adds subjects. */
export function isStagedFor(
  stage: PolicyStage,
  { policy, subject }: { policy: string; subject: StageSubject },
): boolean {
  if ('percent' in stage) return percentileOf(policy, subject.principal) < stage.percent;
  const isNamed = (uids: readonly EntityUid[], { type: wanted, names }: { type: string; names: readonly string[] }) =>
    uids.some(({ type, id }) => type === wanted && names.includes(id));
  return 'groups' in stage
    ? isNamed(subject.groups, { type: 'Group', names: stage.groups })
    : isNamed(subject.segments, { type: 'Segment', names: stage.segments });
}
