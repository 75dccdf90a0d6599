import type { FactView, User } from '#foundation/model';
import { administrators } from '#information/identity';
import { type Hypothesis, mightWrite } from './administrators.ts';
import { mayAdminister } from './authorise.ts';
import type { Caller } from './caller.ts';
import { problem } from './problem.ts';
import type { ApiServices } from './services.ts';

/** What a change gives to people. */
interface Raising {
  /** Groups that somebody, or another group, is put into. */
  readonly groups: readonly string[];
  /** Whom it concerns, as they are (null: somebody new) and as they would be. */
  readonly people: readonly (readonly [id: string, before: User | null, after: User])[];
  /** Groups as they would be. */
  readonly nesting?: Hypothesis['groups'];
}

/**
 * Throws ApiProblem 403 when a change would make an administrator, or somebody whom policy lets publish policies by whatever group or
 * attribute, and the caller could not do everything anyway. Without this the right to invite people, or a token for `user:write`,
 * would be the right to everything.
 */
export function refuseToRaise(services: ApiServices, caller: Caller, { groups, people, nesting }: Raising): void {
  if (caller.isOperator || mayAdminister(services, caller, { noun: 'policy', action: 'write' })) return;
  const mightPublish = (id: string, user: User, hypothesis: Hypothesis) =>
    user.status === 'active' && mightWrite(services, { id, user, hypothesis, nouns: ['policy'] });
  const isRaised = ([id, before, after]: readonly [string, User | null, User]) =>
    mightPublish(id, after, nesting === undefined ? {} : { groups: nesting }) &&
    (before === null || !mightPublish(id, before, {}));
  if (!leadsToAdministrators(services.facts, groups) && !people.some(isRaised)) return;
  throw problem(403, 'raise', 'only somebody who may publish policies may make administrators; ask one of them');
}

function leadsToAdministrators(facts: FactView, groups: readonly string[]): boolean {
  const queue = [...groups];
  const seen = new Set<string>();
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (name === administrators) return true;
    if (seen.has(name)) continue;
    seen.add(name);
    queue.push(...(facts.get('group', name)?.memberOf ?? []));
  }
  return false;
}
