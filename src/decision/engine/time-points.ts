import { parseDatetime } from './compiled/datetime.ts';
import { EvaluationError } from './compiled/evaluation-error.ts';
import { contextPath } from './context-path.ts';
import { isNode, madeMembers } from './expression-json.ts';
import type { PolicyJson } from './policy-set.ts';

/** When the answers of a policy set can change though no fact does. */
export interface TimePoints {
  /** Values of `context.session.authAgeSeconds` from which on a comparison has another outcome, ascending. */
  readonly agesSeconds: readonly number[];
  /** Times (milliseconds since the epoch, whole seconds) from which on a comparison with `context.now` has another outcome, ascending. */
  readonly timesMs: readonly number[];
  /** Is the time read in no other way than by comparing it with what a policy says? Else its answers may change at any time. */
  readonly isComplete: boolean;
}

/** Where the outcome of `time OPERATOR literal` changes: when the two meet, just behind, or both. */
const changes = { '<': [0], '>=': [0], '<=': [1], '>': [1], '==': [0, 1], '!=': [0, 1] } as const;
type Comparison = keyof typeof changes;
const comparisons = Object.keys(changes) as Comparison[];

/** The operator with its sides exchanged. */
const turned: Readonly<Record<Comparison, Comparison>> = {
  '<': '>',
  '>': '<',
  '<=': '>=',
  '>=': '<=',
  '==': '==',
  '!=': '!=',
};

const isAge = (json: unknown) => contextPath(json)?.join('.') === 'session.authAgeSeconds';
const isNow = (json: unknown) => contextPath(json)?.join('.') === 'now';

/** Milliseconds of `datetime("…")`; undefined for anything else, null for one that cannot be made and so errors whatever the time. */
function literalTime(json: unknown): number | null | undefined {
  const args = isNode(json) ? json['datetime'] : undefined;
  const text = Array.isArray(args) && isNode(args[0]) ? args[0]['Value'] : undefined;
  if (typeof text !== 'string') return undefined;
  try {
    return Number(parseDatetime(text).ms);
  } catch (error) {
    if (error instanceof EvaluationError) return null;
    throw error;
  }
}

class Reader {
  readonly ages = new Set<number>();
  readonly times = new Set<number>();
  isComplete = true;

  /** Is it a comparison of the time with a literal? */
  #noteComparison(operator: Comparison, operand: unknown): boolean {
    const { left, right } = operand as { left: unknown; right: unknown };
    return (
      this.#note({ subject: left, literal: right }, changes[operator]) ||
      this.#note({ subject: right, literal: left }, changes[turned[operator]])
    );
  }

  #note({ subject, literal }: { subject: unknown; literal: unknown }, behind: readonly (0 | 1)[]): boolean {
    const value = isNode(literal) ? literal['Value'] : undefined;
    if (isAge(subject) && typeof value === 'number') {
      for (const step of behind) this.ages.add(value + step);
      return true;
    }
    const time = isNow(subject) ? literalTime(literal) : undefined;
    if (time === undefined) return false;
    // Requests carry the time in whole seconds.
    if (time !== null)
      for (const step of behind)
        this.times.add((step === 0 ? Math.ceil(time / 1000) : Math.floor(time / 1000) + 1) * 1000);
    return true;
  }

  read(json: unknown): void {
    if (Array.isArray(json)) for (const item of json) this.read(item);
    if (!isNode(json)) return;
    const members = madeMembers(json);
    if (members !== undefined) {
      this.read(members);
      return;
    }
    if ('Value' in json) return;
    if (comparisons.some((operator) => json[operator] !== undefined && this.#noteComparison(operator, json[operator])))
      return;
    const path = contextPath(json);
    if (path !== undefined) {
      // As a whole, context and session hold the time among other things.
      if (path.length === 0 || ['session', 'now', 'session.authAgeSeconds'].includes(path.join('.')))
        this.isComplete = false;
      return;
    }
    const has = json['has'];
    // Whether the time is there does not depend on it.
    if (isNode(has) && contextPath(has['left']) !== undefined) return;
    for (const part of Object.values(json)) this.read(part);
  }
}

/** Finds in policies where they compare the time. What it does not understand counts as any time. */
export function timePoints(policies: Iterable<PolicyJson>): TimePoints {
  const reader = new Reader();
  for (const { conditions } of policies) for (const { body } of conditions) reader.read(body);
  const ascending = (values: ReadonlySet<number>) => [...values].sort((a, b) => a - b);
  return { agesSeconds: ascending(reader.ages), timesMs: ascending(reader.times), isComplete: reader.isComplete };
}

/** The first of ascending numbers beyond `value`; undefined when there is none. */
export function firstBeyond(ascending: readonly number[], value: number): number | undefined {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return ascending[low];
}
