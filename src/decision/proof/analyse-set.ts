import type { PolicySet } from '#decision/engine';
import type { Solver } from './ask.ts';
import type { EncodedPolicy } from './encode-policy.ts';
import type { Term } from './meaning.ts';
import { modelsOf, type RequestModel } from './policy-model.ts';

/**
 * What a policy does, of all requests and stores that fit the schema.
 * - `dead`: it never applies. - `shadowed`: whenever it applies, a `forbid` denies all the same. - `redundant`: it decides nothing that others do
 * not decide alike, so without it every answer is the same. - `undecided`: none of these could be shown or refuted.
 */
export interface PolicyFinding {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly effect: 'permit' | 'forbid';
  readonly kind: 'dead' | 'shadowed' | 'redundant' | 'undecided';
}

type Certainty = 'never' | 'sometimes' | 'unknown';

/** Finds policies that do nothing. Of two that say the same, both are redundant: each without the other would not be. */
export async function analyseSet(
  set: PolicySet,
  { solver, onProgress }: { solver: Solver; onProgress?: (done: number, total: number, id: string) => void },
): Promise<PolicyFinding[]> {
  const models = modelsOf(set, solver);
  const findings: PolicyFinding[] = [];
  let done = 0;
  for (const [id, { file, line, json }] of set.policies) {
    const kind = await kindOf(id, models);
    if (kind !== undefined) findings.push({ id, file, line, effect: json.effect, kind });
    done += 1;
    onProgress?.(done, set.policies.size, id);
  }
  return findings;
}

async function kindOf(id: string, models: readonly RequestModel[]): Promise<PolicyFinding['kind'] | undefined> {
  // Nearly every policy matters somewhere, and then one question is enough.
  const matters = await ever(id, { models, goal: decides });
  if (matters === 'sometimes') return undefined;
  const applies = await ever(id, { models, goal: (policy, { terms }) => terms.or(policy.applies, policy.errs) });
  if (applies === 'never') return 'dead';
  const unopposed = await ever(id, { models, goal: isUnopposed });
  if (unopposed === 'never') return 'shadowed';
  return matters === 'never' ? 'redundant' : 'undecided';
}

interface Others {
  readonly terms: RequestModel['encoder']['terms'];
  readonly permits: readonly Term[];
  /** Each applies or errs: either way the door stays shut. */
  readonly forbids: readonly Term[];
}

/** Is the answer another one because of this policy? */
function decides(policy: EncodedPolicy, { terms, permits, forbids }: Others): Term {
  const free = forbids.map((each) => terms.not(each));
  if (policy.effect === 'permit') return terms.and(policy.applies, ...permits.map((each) => terms.not(each)), ...free);
  return terms.and(terms.or(policy.applies, policy.errs), terms.or(...permits), ...free);
}

function isUnopposed(policy: EncodedPolicy, { terms, forbids }: Others): Term {
  if (policy.effect === 'forbid') return terms.true;
  return terms.and(policy.applies, ...forbids.map((each) => terms.not(each)));
}

/** Can this be so, in any type of request? What rests on gaps counts as possible: nothing is claimed of it. */
async function ever(
  id: string,
  { models, goal }: { models: readonly RequestModel[]; goal: (policy: EncodedPolicy, others: Others) => Term },
): Promise<Certainty> {
  let certainty: Certainty = 'never';
  for (const { encoder, policies, ask } of models) {
    const { terms } = encoder;
    const policy = policies.find((each) => each.id === id);
    if (policy === undefined) continue;
    const others = policies.filter((each) => each !== policy);
    const permits = others.filter(({ effect }) => effect === 'permit').map(({ applies }) => applies);
    const forbids = others
      .filter(({ effect }) => effect === 'forbid')
      .map(({ applies, errs }) => terms.or(applies, errs));
    const answer = await ask(goal(policy, { terms, permits, forbids }));
    if (answer.kind === 'possible' && answer.gaps.length === 0) return 'sometimes';
    if (answer.kind !== 'impossible') certainty = 'unknown';
  }
  return certainty;
}
