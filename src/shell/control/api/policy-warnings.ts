import type { z } from 'zod';
import type { Problem } from '#decision/engine';
import type { NamedEntity } from '#decision/parser';
import { missingEntities } from '../missing-entities.ts';
import { mayAdminister } from './authorise.ts';
import type { Caller } from './caller.ts';
import { type problemView, viewProblem } from './policy-shapes.ts';
import type { ApiServices } from './services.ts';

/** Views of problems that are told at once. */
export const problemsMax = 1000;

/** All that is wrong or doubtful about policies; what they name and is not there now, as far as the caller may read such names. */
export function viewProblems(
  services: ApiServices,
  caller: Caller,
  { problems, named }: { readonly problems: readonly Problem[]; readonly named: readonly NamedEntity[] },
): z.infer<typeof problemView>[] {
  const mayRead = (noun: Parameters<typeof mayAdminister>[2]['noun']) =>
    mayAdminister(services, caller, { noun, action: 'read' });
  return [...problems, ...missingEntities(services.facts, { named, mayRead })].map(viewProblem);
}
