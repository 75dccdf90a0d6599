/** A JSON object as it came: attacker-controlled in every member. */
export type Properties = Readonly<Record<string, unknown>>;

/** Subject or resource, Authorization API 1.0 sections 5.1 and 5.2. */
export interface NamedEntity {
  readonly type: string;
  readonly id: string;
  readonly properties: Properties;
}

/** Section 5.3. */
export interface NamedAction {
  readonly name: string;
  readonly properties: Properties;
}

/** One question of a caller, section 6.1. Unknown members are ignored, as the specification asks. */
export interface Evaluation {
  readonly subject: NamedEntity;
  readonly action: NamedAction;
  readonly resource: NamedEntity;
  readonly context: Properties;
}

/** Longest type, id or action name. */
export const nameLengthMax = 1_024;

/** What is wrong with a request, in words for the author of the caller. */
export class MalformedRequest extends Error {}

export const noProperties: Properties = Object.freeze({});

export function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands as `name` in a request, which must be an object; undefined when nothing does. */
function objectAt(value: unknown, name: string): Properties | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value)) throw new MalformedRequest(`\`${name}\` must be an object`);
  return value;
}

export function objectMember(parent: Properties, name: string): Properties | undefined {
  return objectAt(member(parent, name), name);
}

export function requireObject(value: unknown, name: string): Properties {
  const found = objectAt(value, name);
  if (found === undefined) throw new MalformedRequest(`\`${name}\` is missing`);
  return found;
}

/** A member that must be a string of bounded length, neither empty nor with half a character in it. `path`: its name, and whose it is. */
export function requireText(parent: Properties, { name, path }: { name: string; path: string }): string {
  const value = member(parent, name);
  if (value === undefined) throw new MalformedRequest(`\`${path}\` is missing`);
  if (typeof value !== 'string') throw new MalformedRequest(`\`${path}\` must be a string`);
  if (value === '' || value.length > nameLengthMax || !value.isWellFormed()) {
    throw new MalformedRequest(`\`${path}\` must be text of 1 to ${nameLengthMax} characters`);
  }
  return value;
}

/** Only own members: a request cannot reach what every object inherits. */
export function member(parent: Properties, name: string): unknown {
  const value = parent[name];
  // Most that is asked for is not there, and then whose it would be need not be asked.
  return value === undefined || Object.hasOwn(parent, name) ? value : undefined;
}

export function readProperties(parent: Properties): Properties {
  return objectMember(parent, 'properties') ?? noProperties;
}

const pathsOf = (owner: string) => ({
  type: { name: 'type', path: `${owner}.type` },
  id: { name: 'id', path: `${owner}.id` },
});
const paths = { subject: pathsOf('subject'), resource: pathsOf('resource') };
const actionName = { name: 'name', path: 'action.name' };

/** A part of a question; each reads the value that stands there, undefined when none does. */
export const readers = {
  subject: (value: unknown) => entityIn(value, 'subject'),
  action: (value: unknown): NamedAction => {
    const action = requireObject(value, 'action');
    return { name: requireText(action, actionName), properties: readProperties(action) };
  },
  resource: (value: unknown) => entityIn(value, 'resource'),
  context: (value: unknown) => objectAt(value, 'context') ?? noProperties,
} as const;

function entityIn(value: unknown, name: 'subject' | 'resource'): NamedEntity {
  const entity = requireObject(value, name);
  const { type, id } = paths[name];
  return { type: requireText(entity, type), id: requireText(entity, id), properties: readProperties(entity) };
}

export function readEntity(request: Properties, name: 'subject' | 'resource'): NamedEntity {
  return entityIn(member(request, name), name);
}

export function readAction(request: Properties): NamedAction {
  return readers.action(member(request, 'action'));
}

/** Reads one evaluation, section 6.1. Throws MalformedRequest. */
export function readEvaluation(request: Properties): Evaluation {
  return {
    subject: readEntity(request, 'subject'),
    action: readAction(request),
    resource: readEntity(request, 'resource'),
    context: readers.context(member(request, 'context')),
  };
}
