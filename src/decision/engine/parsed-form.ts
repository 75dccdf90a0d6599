import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { fromBase64url, toBase64url } from '#foundation/encoding';
import { parsedFormLengthMax } from '#foundation/model';
import { EngineError } from './engine-error.ts';
import { withRawIntegers } from './lossless-json.ts';
import {
  type LocatedPolicy,
  type PolicyJson,
  type PolicySet,
  type PolicySource,
  policyCountMax,
  policyIdLengthMax,
} from './policy-set.ts';
import { type PolicyPiece, splitPolicies } from './split-policies.ts';

/** Bytes it may unfold to; a form that says more is a bomb. */
const unfoldedBytesMax = 128 * 1024 * 1024;

/** Compact enough, and half a second faster for ten thousand policies than the default. */
const compressionLevel = 3;

const policySchema = z.object({
  effect: z.enum(['permit', 'forbid']),
  principal: z.unknown(),
  action: z.unknown(),
  resource: z.unknown(),
  conditions: z.array(z.object({ kind: z.enum(['when', 'unless']), body: z.unknown() })),
  annotations: z.record(z.string(), z.string()),
});

/** In the order of files and of their texts; `exact` is the JSON text of a policy with integers beyond 2^53. */
const formSchema = z.strictObject({
  format: z.literal(1),
  schema: z.record(z.string(), z.unknown()),
  policies: z
    .array(z.union([z.strictObject({ json: z.unknown() }), z.strictObject({ exact: z.string() })]))
    .max(policyCountMax),
});

// Node 24 gives revivers the source text (ECMAScript proposal "JSON.parse source text access"); the type library does not know it.
type SourceReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
const parseWithSource = JSON.parse as (text: string, reviver: SourceReviver) => unknown;

function hasBigint(value: unknown): boolean {
  if (typeof value === 'bigint') return true;
  return typeof value === 'object' && value !== null && Object.values(value).some(hasBigint);
}

/**
 * Writes parsed policies so that they can be signed and shipped: whoever has the texts compiles from this without a Cedar parser.
 * `policies` must be all those of the texts, in their order.
 */
export function writeParsedForm({ policies, schemaJson }: Pick<PolicySet, 'policies' | 'schemaJson'>): string {
  const entries = [...policies.values()].map(({ json }) =>
    hasBigint(json) ? { exact: JSON.stringify(withRawIntegers(json as never)) } : { json },
  );
  const text = JSON.stringify({ format: 1, schema: schemaJson, policies: entries });
  const form = toBase64url(deflateRawSync(text, { level: compressionLevel }));
  if (form.length > parsedFormLengthMax || Buffer.byteLength(text) > unfoldedBytesMax) {
    throw new EngineError({
      code: 'too-many-policies',
      message: 'all policies together are too large to be published',
    });
  }
  return form;
}

function wrong(message: string): EngineError {
  return new EngineError({ code: 'invalid-parsed-form', message: `the parsed form ${message}` });
}

function unfold(form: string): z.infer<typeof formSchema> {
  const bytes = form.length > parsedFormLengthMax ? undefined : fromBase64url(form);
  if (bytes === undefined) throw wrong('is too long or not base64url');
  let value: unknown;
  try {
    value = JSON.parse(inflateRawSync(bytes, { maxOutputLength: unfoldedBytesMax }).toString('utf8'));
  } catch {
    throw wrong('is not deflated JSON of a bounded size');
  }
  const parsed = formSchema.safeParse(value);
  if (!parsed.success) throw wrong(`has other fields than agreed, at \`${parsed.error.issues[0]?.path.join('.')}\``);
  return parsed.data;
}

function readPolicy(entry: { json: unknown } | { exact: string }): PolicyJson & { annotations: { id?: string } } {
  let json: unknown = 'json' in entry ? entry.json : undefined;
  if ('exact' in entry) {
    try {
      json = parseWithSource(entry.exact, (_key, value, { source }) =>
        typeof value === 'number' && !Number.isSafeInteger(value) ? BigInt(source ?? '') : value,
      );
    } catch {
      throw wrong('holds a policy that is not JSON');
    }
  }
  const parsed = policySchema.safeParse(json);
  if (!parsed.success) throw wrong('holds something that is no policy');
  return parsed.data;
}

/**
 * Reads a parsed form beside the texts it was made from. Every policy of the texts must have its parsed one and the other way
 * round, so that none hides from people or from judgement; that each says what its text says is whoever's word signed both. Throws
 * EngineError `invalid-parsed-form`.
 */
export function readParsedForm(
  form: string,
  { sources, schema }: { sources: readonly PolicySource[]; schema: string },
): PolicySet {
  const { policies: entries, schema: schemaJson } = unfold(form);
  const policies = new Map<string, LocatedPolicy>();
  let index = 0;
  const take = (file: string, { text, line }: PolicyPiece) => {
    const entry = entries[index++];
    if (entry === undefined) throw wrong('lacks a policy of the texts');
    const json = readPolicy(entry);
    const { id } = json.annotations;
    if (id === undefined || id === '' || id.length > policyIdLengthMax || policies.has(id))
      throw wrong('holds a policy without an `@id` of its own');
    policies.set(id, { file, line, text, json });
  };
  for (const { file, text } of sources) for (const piece of splitPolicies(text)) take(file, piece);
  if (index !== entries.length) throw wrong('holds a policy that the texts do not');
  return { policies, schema, schemaJson };
}
