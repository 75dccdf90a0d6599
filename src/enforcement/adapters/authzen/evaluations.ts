import {
  type Evaluation,
  isObject,
  MalformedRequest,
  member,
  type Properties,
  readEvaluation,
  readers,
} from './evaluation.ts';

/** Evaluations in one request. */
export const evaluationsMax = 1_000;

/** Section 7.1.2.1. */
export type Semantic = 'execute_all' | 'deny_on_first_deny' | 'permit_on_first_permit';
const semantics: readonly string[] = ['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'];

/** A boxcarred request: what could be read, and what is wrong with the rest, in the caller's order. */
export interface Evaluations {
  readonly semantic: Semantic;
  readonly items: readonly (Evaluation | MalformedRequest)[];
}

/**
 * Reads an Access Evaluations request, section 7.1. Without evaluations it is a single one, and so is the answer. Throws
 * MalformedRequest for what concerns all of it; what is wrong with one evaluation is that one's own denial.
 */
export function readEvaluations(request: Properties): Evaluation | Evaluations {
  const list = member(request, 'evaluations');
  if (list === undefined) return readEvaluation(request);
  if (!Array.isArray(list)) throw new MalformedRequest('`evaluations` must be an array');
  if (list.length === 0) return readEvaluation(request);
  if (list.length > evaluationsMax) throw new MalformedRequest(`\`evaluations\` has more than ${evaluationsMax} items`);
  const semantic = readSemantic(request);
  refuseMuchInCommon(request, list.length);
  const defaults = new Defaults(request);
  return { semantic, items: list.map((item: unknown) => defaults.complete(item)) };
}

/** Characters that evaluations have in common, times how many there are: each is judged with all of them. */
const commonLengthMax = 8_388_608;

function refuseMuchInCommon(request: Properties, count: number): void {
  const common = Object.keys(required).map((key) => member(request, key));
  if (JSON.stringify(common).length * count <= commonLengthMax) return;
  const kept = Math.floor(commonLengthMax / count);
  throw new MalformedRequest(
    `what ${count} evaluations have in common may be ${kept} characters of JSON at most; ask in smaller parts`,
  );
}

function readSemantic(request: Properties): Semantic {
  const options = member(request, 'options');
  if (options === undefined) return 'execute_all';
  if (!isObject(options)) throw new MalformedRequest('`options` must be an object');
  const semantic = member(options, 'evaluations_semantic') ?? 'execute_all';
  if (typeof semantic !== 'string' || !semantics.includes(semantic)) {
    throw new MalformedRequest(`\`options.evaluations_semantic\` must be one of ${semantics.join(', ')}`);
  }
  return semantic as Semantic;
}

/** What an entity cannot be without: taken from the default when an evaluation gives only the rest. */
const required = { subject: ['type', 'id'], action: ['name'], resource: ['type', 'id'], context: [] } as const;
type Key = keyof typeof required;

type Read = { readonly [K in Key]: ReturnType<(typeof readers)[K]> };

/** Section 7.1.1: what an evaluation gives replaces the default of that key as a whole, but for members that must be there. */
class Defaults {
  readonly #given: Readonly<Record<Key, unknown>>;
  /** What the evaluations have in common, read once. */
  readonly #common: { -readonly [K in Key]?: Read[K] } = {};

  constructor(request: Properties) {
    this.#given = {
      subject: member(request, 'subject'),
      action: member(request, 'action'),
      resource: member(request, 'resource'),
      context: member(request, 'context'),
    };
  }

  complete(item: unknown): Evaluation | MalformedRequest {
    try {
      if (!isObject(item)) throw new MalformedRequest('an evaluation must be an object');
      return {
        subject: this.#read('subject', item),
        action: this.#read('action', item),
        resource: this.#read('resource', item),
        context: this.#read('context', item),
      };
    } catch (error) {
      if (error instanceof MalformedRequest) return error;
      throw error;
    }
  }

  #read<K extends Key>(key: K, item: Properties): Read[K] {
    const read = readers[key] as (value: unknown) => Read[K];
    const own = member(item, key);
    if (own !== undefined) return read(this.#withRequired(key, own));
    // What cannot be read is thrown anew for every evaluation that needs it.
    this.#common[key] ??= read(this.#given[key]);
    return this.#common[key] as Read[K];
  }

  #withRequired(key: Key, own: unknown): unknown {
    const common = this.#given[key];
    if (!isObject(common) || !isObject(own)) return own;
    const missing = required[key].filter((name) => member(own, name) === undefined);
    if (missing.length === 0) return own;
    return { ...own, ...Object.fromEntries(missing.map((name) => [name, member(common, name)])) };
  }
}

/** Whether no further evaluation is carried out after this answer. */
export function endsAfter(semantic: Semantic, decision: boolean): boolean {
  return semantic === 'deny_on_first_deny' ? !decision : semantic === 'permit_on_first_permit' && decision;
}
