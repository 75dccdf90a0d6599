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

/** Arrays and objects nest this deep at most: who reads them recurses. */
export const jsonDepthMax = 64;

// Node 24 has it (ECMAScript proposal "JSON.parse source text access"); the type library does not know it yet.
const json = JSON as unknown as { rawJSON(text: string): unknown };

const token = /[\t\n\r ]*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|(-?(?:0|[1-9][0-9]*))(?![0-9.eE])|(true|false|null)|$)/y;
const words = { true: true, false: false, null: null } as const;

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token: punctuation as it is, `''` at the end, values in `value`. */
  next(): { mark: string; value?: LosslessJson } {
    token.lastIndex = this.#at;
    const match = token.exec(this.#text);
    if (match === null) throw this.wrong('expected a JSON value: whole numbers only, no comments');
    this.#at = token.lastIndex;
    const [, mark, string, integer, word] = match;
    if (mark !== undefined) return { mark };
    if (string !== undefined) return { mark: 'value', value: this.#string(string) };
    if (integer !== undefined) {
      const number = Number(integer);
      return { mark: 'value', value: Number.isSafeInteger(number) ? number : BigInt(integer) };
    }
    return word === undefined ? { mark: '' } : { mark: 'value', value: words[word as keyof typeof words] };
  }

  #string(text: string): string {
    try {
      return JSON.parse(text) as string;
    } catch {
      throw this.wrong('a string has a wrong escape or a control character');
    }
  }

  wrong(message: string): EngineError {
    const before = this.#text.slice(0, this.#at);
    const line = before.split('\n').length;
    return new EngineError({ code: 'invalid-json', message, line, column: this.#at - before.lastIndexOf('\n') });
  }

  value(first = this.next()): LosslessJson {
    if (first.mark === 'value') return first.value ?? null;
    if (first.mark !== '{' && first.mark !== '[')
      throw this.wrong(`expected a value, found \`${first.mark || 'the end'}\``);
    this.#depth += 1;
    if (this.#depth > jsonDepthMax) throw this.wrong(`nests deeper than ${jsonDepthMax} levels`);
    const found = first.mark === '{' ? this.#object() : this.#array();
    this.#depth -= 1;
    return found;
  }

  #array(): LosslessJson[] {
    const items: LosslessJson[] = [];
    for (let next = this.next(); ; next = this.next()) {
      if (next.mark === ']' && items.length === 0) return items;
      items.push(this.value(next));
      const after = this.next().mark;
      if (after === ']') return items;
      if (after !== ',') throw this.wrong('expected `,` or `]`');
    }
  }

  #object(): { [key: string]: LosslessJson } {
    const entries = new Map<string, LosslessJson>();
    for (let next = this.next(); ; next = this.next()) {
      if (next.mark === '}' && entries.size === 0) return {};
      const key = next.value;
      if (typeof key !== 'string') throw this.wrong('expected a key in quotes');
      if (entries.has(key)) throw this.wrong(`the key \`${key}\` stands twice in one object`);
      if (this.next().mark !== ':') throw this.wrong('expected `:`');
      entries.set(key, this.value());
      const after = this.next().mark;
      if (after === '}') return Object.fromEntries(entries);
      if (after !== ',') throw this.wrong('expected `,` or `}`');
    }
  }
}

/**
 * Parses JSON (RFC 8259) without rounding integers. Stricter than `JSON.parse`: a key that stands twice, a number that is not
 * whole, and deep nesting are refused. Throws EngineError `invalid-json` with line and column.
 */
export function parseLosslessJson(text: string, file?: string): LosslessJson {
  const reader = new Reader(text);
  try {
    const value = reader.value();
    if (reader.next().mark !== '') throw reader.wrong('expected nothing more');
    return value;
  } catch (error) {
    if (!(error instanceof EngineError) || file === undefined) throw error;
    const { code, message, line, column } = error;
    throw new EngineError({ code, message, file, ...(line && column ? { line, column } : {}) });
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
