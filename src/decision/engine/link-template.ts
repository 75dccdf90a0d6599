import type { EntityUid } from '#foundation/model';
import { EngineError } from './engine-error.ts';
import type { LocatedPolicy, PolicyJson } from './policy-set.ts';

/** A policy made from a template: the template's id, an id of its own, and an entity for each slot. */
export interface TemplateLink {
  readonly templateId: string;
  readonly newId: string;
  readonly values: { readonly '?principal'?: EntityUid; readonly '?resource'?: EntityUid };
}

/** Links of one set at most. */
export const linkCountMax = 10_000;

type Slot = keyof TemplateLink['values'];

/** A scope constraint with a slot: `{op: '==' | 'in', slot}`, or `{op: 'is', entity_type, in: {slot}}`. */
interface SlotScope {
  readonly slot?: Slot;
  readonly in?: { readonly slot?: Slot };
}

const slotOf = (scope: unknown): Slot | undefined => {
  const { slot, in: within } = scope as SlotScope;
  return slot ?? within?.slot;
};

/** The slots of a policy's JSON; Cedar allows them in the scope alone. */
export function slotsOf({ principal, resource }: PolicyJson): Slot[] {
  return [slotOf(principal), slotOf(resource)].filter((slot) => slot !== undefined);
}

function wrong(message: string, hint: string): EngineError {
  return new EngineError({ code: 'invalid-link', message, hint });
}

function fill(scope: unknown, values: TemplateLink['values']): unknown {
  const slot = slotOf(scope);
  const uid = slot === undefined ? undefined : values[slot];
  if (uid === undefined) return scope;
  const entity = { type: uid.type, id: uid.id };
  const { slot: own, in: within, ...rest } = scope as SlotScope & object;
  return own === undefined ? { ...rest, in: { entity } } : { ...rest, entity };
}

/** The static policy that a link makes of a template. Throws EngineError `invalid-link` unless every slot, and no other, has its entity. */
export function linkTemplate(
  template: PolicyJson,
  { values, newId }: Pick<TemplateLink, 'values' | 'newId'>,
): PolicyJson {
  const slots = slotsOf(template);
  if (slots.length === 0)
    throw wrong(
      `\`${newId}\` links a policy without a slot`,
      'Only a policy with `?principal` or `?resource` is a template.',
    );
  for (const slot of slots)
    if (values[slot] === undefined) throw wrong(`the link \`${newId}\` has no entity for \`${slot}\``, 'Give it one.');
  for (const slot of Object.keys(values))
    if (!slots.some((each) => each === slot))
      throw wrong(
        `the link \`${newId}\` has an entity for \`${slot}\``,
        'The template has no such slot; leave it out.',
      );
  return { ...template, principal: fill(template.principal, values), resource: fill(template.resource, values) };
}

/** Static policies and those that links make of templates; templates themselves decide nothing. Throws EngineError `invalid-link`. */
export function linkPolicies(
  policies: ReadonlyMap<string, LocatedPolicy>,
  links: readonly TemplateLink[],
): Map<string, LocatedPolicy> {
  if (links.length > linkCountMax) throw wrong(`there are more than ${linkCountMax} links`, 'Use a group instead.');
  const linked = new Map([...policies].filter(([, { json }]) => slotsOf(json).length === 0));
  for (const link of links) {
    const template = policies.get(link.templateId);
    if (template === undefined)
      throw wrong(`the link \`${link.newId}\` names the template \`${link.templateId}\``, 'There is no such template.');
    if (policies.has(link.newId) || linked.has(link.newId))
      throw wrong(`the id \`${link.newId}\` of a link is taken`, 'Give each link an id of its own.');
    const json = linkTemplate(template.json, link);
    // For people, and so that the same template linked otherwise has another hash; nobody parses it.
    linked.set(link.newId, { ...template, json, text: `${template.text} // ${JSON.stringify(link.values)}` });
  }
  return linked;
}
