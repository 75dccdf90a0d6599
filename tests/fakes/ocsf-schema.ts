// Judges an event by the published OCSF schema: known attributes only, required ones present, types, enumerations,
// constraints, and profiles that are named when their attributes are used.
import { readFileSync } from 'node:fs';

interface Attribute {
  readonly type: string;
  readonly array?: boolean;
  readonly required?: boolean;
  readonly profile?: string;
  readonly enum?: readonly number[];
}

interface Shape {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly constraints?: { readonly at_least_one?: readonly string[]; readonly just_one?: readonly string[] };
}

interface Schema {
  readonly classes: Readonly<Record<string, Shape>>;
  readonly objects: Readonly<Record<string, Shape>>;
}

const schema = JSON.parse(readFileSync('tests/vectors/ocsf-1.6.0.json', 'utf8')) as Schema;
const textTypes =
  /^(string|hostname|ip|email|username|url|path|uuid|file_name|process_name|mac|subnet|bytestring|datetime|resource_uid|file_path)_t$/;
type Members = Readonly<Record<string, unknown>>;

/** Gives every way in which the event breaks the schema, in words. */
export function ocsfFaults(event: Members): string[] {
  const shape = schema.classes[String(event['class_uid'])];
  if (shape === undefined) return [`class ${event['class_uid']} is unknown`];
  const metadata = event['metadata'] as { profiles?: string[] } | undefined;
  const faults = shapeFaults(event, { shape, at: 'event', profiles: metadata?.profiles ?? [] });
  const { class_uid, activity_id, type_uid, category_uid } = event;
  if (type_uid !== Number(class_uid) * 100 + Number(activity_id)) faults.push('type_uid does not fit');
  if (category_uid !== Math.floor(Number(class_uid) / 1000)) faults.push('category_uid does not fit');
  return faults;
}

function shapeFaults(
  value: Members,
  { shape, at, profiles }: { shape: Shape; at: string; profiles: string[] },
): string[] {
  const faults: string[] = [];
  for (const [name, attribute] of Object.entries(shape.attributes)) {
    const isAsked = attribute.profile === undefined || profiles.includes(attribute.profile);
    if (attribute.required === true && isAsked && !(name in value)) faults.push(`${at}.${name} is required`);
  }
  const { at_least_one: some, just_one: one } = shape.constraints ?? {};
  if (one !== undefined && one.filter((name) => name in value).length !== 1)
    faults.push(`${at} needs exactly one of ${one.join(', ')}`);
  if (some?.every((name) => !(name in value))) faults.push(`${at} needs one of ${some.join(', ')}`);
  for (const [name, member] of Object.entries(value)) {
    const attribute = shape.attributes[name];
    if (attribute === undefined) {
      faults.push(`${at}.${name} is no attribute`);
      continue;
    }
    if (attribute.profile !== undefined && !profiles.includes(attribute.profile) && at === 'event') {
      faults.push(`${at}.${name} needs profile ${attribute.profile}`);
    }
    const items = attribute.array === true ? member : [member];
    if (!Array.isArray(items)) faults.push(`${at}.${name} is no array`);
    else for (const item of items) faults.push(...valueFaults(item, { attribute, at: `${at}.${name}`, profiles }));
  }
  return faults;
}

function valueFaults(
  value: unknown,
  { attribute, at, profiles }: { attribute: Attribute; at: string; profiles: string[] },
): string[] {
  const { type } = attribute;
  if (attribute.enum !== undefined && !attribute.enum.includes(Number(value)))
    return [`${at} is not in its enumeration`];
  if (type.startsWith('object:')) {
    if (typeof value !== 'object' || value === null) return [`${at} is no object`];
    const name = type.slice('object:'.length);
    const shape = schema.objects[name];
    if (name === 'object') return [];
    return shape === undefined
      ? [`${at}: object ${name} is not in the extract`]
      : shapeFaults(value as Members, { shape, at, profiles });
  }
  if (textTypes.test(type)) return typeof value === 'string' ? [] : [`${at} is no text`];
  if (type === 'boolean_t') return typeof value === 'boolean' ? [] : [`${at} is no boolean`];
  if (/^(integer|long|timestamp|port)_t$/.test(type)) return Number.isSafeInteger(value) ? [] : [`${at} is no integer`];
  return type === 'json_t' ? [] : [`${at} has the unknown type ${type}`];
}
