import type { ProofRequest, Uid } from './proof-shapes.ts';

/** A fact of a request, as a person reads it. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** A uid as policies write it. */
export const uidText = ({ type, id }: Uid): string => `${type}::${JSON.stringify(id)}`;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as policies write it. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const { __entity: entity, __extn: extension } = value as {
    __entity?: Uid;
    __extn?: { fn: string; arg?: unknown; args?: unknown[] };
  };
  if (entity !== undefined) return uidText(entity);
  if (extension !== undefined)
    return `${extension.fn}(${(extension.args ?? [extension.arg]).map(valueText).join(', ')})`;
  return `{${Object.entries(value)
    .map(([name, item]) => `${name}: ${valueText(item)}`)
    .join(', ')}}`;
}

/** False, zero and empty say little and are many. */
function isPlain(value: unknown): boolean {
  return value === false || value === 0 || value === '' || (Array.isArray(value) && value.length === 0);
}

/** Attributes of a record and of those in it, by path; those that are false, zero or empty are left out. */
function attributes(record: Readonly<Record<string, unknown>>, path: string): Fact[] {
  return Object.entries(record).flatMap(([name, value]): Fact[] => {
    const full = `${path}.${name}`;
    const isRecord = isObject(value) && !('__entity' in value) && !('__extn' in value);
    if (isRecord) return attributes(value, full);
    return isPlain(value) ? [] : [{ name: full, value: valueText(value) }];
  });
}

/**
 * What a person must see of a request: who, what, on what, and each fact that is not false, zero or empty. Values are an author's and the
 * solver's: text, never markup.
 */
export function factsOfRequest({ principal, action, resource, context, entities }: ProofRequest): Fact[] {
  const isSame = (a: Uid, b: Uid) => a.type === b.type && a.id === b.id;
  const nameOf = (uid: Uid) =>
    isSame(uid, principal) ? 'principal' : isSame(uid, resource) ? 'resource' : uidText(uid);
  const missing = [principal, resource].filter((uid) => !entities.some((each) => isSame(each.uid, uid)));
  return [
    { name: 'principal', value: uidText(principal) },
    { name: 'action', value: uidText(action) },
    { name: 'resource', value: uidText(resource) },
    ...missing.map((uid) => ({ name: nameOf(uid), value: 'is not known: no such entity' })),
    ...entities.flatMap(({ uid, attrs, parents, tags }) => [
      ...parents.map((parent) => ({ name: `${nameOf(uid)} in`, value: uidText(parent) })),
      ...attributes(attrs, nameOf(uid)),
      ...Object.entries(tags ?? {}).map(([tag, value]) => ({
        name: `${nameOf(uid)}.getTag(${JSON.stringify(tag)})`,
        value: valueText(value),
      })),
    ]),
    ...attributes(context, 'context'),
  ];
}
