import { EngineError } from './engine-error.ts';

/** A JSON value in which integers beyond 2^53 are bigints: Cedar's integers have 64 bits. */
export type LosslessJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly LosslessJson[]
  | { readonly [key: string]: LosslessJson };

// Node 24 has both (ECMAScript proposal "JSON.parse source text access"); the type library does not know them yet.
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

const integer = /^-?(?:0|[1-9][0-9]*)$/;

/** Parses JSON without rounding integers. Throws EngineError `invalid-json`, naming the file when it is told. */
export function parseLosslessJson(text: string, file?: string): LosslessJson {
  try {
    return json.parse(text, (_key, value, context) => {
      if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
      return context.source !== undefined && integer.test(context.source) ? BigInt(context.source) : value;
    }) as LosslessJson;
  } catch (error) {
    throw new EngineError({
      code: 'invalid-json',
      message: `this is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      ...(file === undefined ? {} : { file }),
    });
  }
}

/** Prepares a value for `JSON.stringify`: bigints become exact numbers in the text. */
export function withRawIntegers(value: LosslessJson): unknown {
  if (typeof value === 'bigint') return json.rawJSON(String(value));
  if (Array.isArray(value)) return value.map(withRawIntegers);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withRawIntegers(item)]));
  }
  return value;
}
