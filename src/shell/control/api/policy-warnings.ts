import type { Problem } from '#decision/engine';
import type { NamedEntity } from '#decision/parser';
import { missingEntities } from '../missing-entities.ts';
import { mayAdminister } from './authorise.ts';
import type { Caller } from './caller.ts';
import type { ApiServices } from './services.ts';

/** Warnings about what policies name and is not there now, as far as the caller may read such names. */
export function namesNotThere(services: ApiServices, caller: Caller, named: readonly NamedEntity[]): Problem[] {
  return missingEntities(services.facts, {
    named,
    mayRead: (noun) => mayAdminister(services, caller, { noun, action: 'read' }),
  });
}
