import type { PolicyJson } from '#decision/engine';
import { applicationOf, type Expression, givesBoolean } from '../expression.ts';
import { writeExpression } from '../write-expression.ts';

/** Something that tests must make true once and false once. */
export interface Condition {
  readonly clause: 'when' | 'unless';
  /** The whole `when` or `unless`, or a part of it. */
  readonly isWhole: boolean;
  /** In Cedar. */
  readonly text: string;
  /** Where it stands in the policy's JSON; see `pathKey`. */
  readonly key: string;
}

/** A path into a policy's JSON as a key: two paths are equal exactly when their keys are. */
export function pathKey(path: readonly (string | number)[]): string {
  return JSON.stringify(path);
}

interface Place {
  readonly path: readonly (string | number)[];
  /** Does Cedar want a boolean here? */
  readonly wantsBoolean: boolean;
  /** The whole clause, or behind nothing but `!` in it: it is counted as the clause. */
  readonly isWhole: boolean;
  readonly parent: string;
}

const takesBooleans: ReadonlySet<string> = new Set(['&&', '||', '!']);

function partsOf(expression: Expression, place: Place): { text: string; key: string }[] {
  const { operator, arguments: parts } = applicationOf(expression);
  const isBoolean = place.wantsBoolean || givesBoolean(operator);
  const isNegation = operator === '!';
  // `a && b && c` nests twice; only its links and the whole are worth a test. A constant says the same always.
  const isLink = (operator === '&&' || operator === '||') && operator === place.parent;
  const isCounted = isBoolean && !place.isWhole && !isNegation && !isLink && operator !== 'Value';
  const below = parts.flatMap(({ step, expression: part }) =>
    partsOf(part, {
      path: [...place.path, operator, step],
      wantsBoolean: takesBooleans.has(operator) || (operator === 'if-then-else' && (step === 'if' || isBoolean)),
      isWhole: place.isWhole && isNegation,
      parent: operator,
    }),
  );
  return isCounted ? [{ text: writeExpression(expression), key: pathKey(place.path) }, ...below] : below;
}

/** All that tests must show of a policy's conditions, clause by clause. */
export function conditionsOf({ conditions }: PolicyJson): Condition[] {
  return conditions.flatMap(({ kind: clause, body }, index) => {
    const expression = body as Expression;
    const path = ['conditions', index, 'body'];
    const parts = partsOf(expression, { path, wantsBoolean: true, isWhole: true, parent: '' });
    const whole = { text: writeExpression(expression), key: pathKey(path), isWhole: true };
    const isConstant = Object.hasOwn(expression, 'Value');
    return [...(isConstant ? [] : [whole]), ...parts.map((part) => ({ ...part, isWhole: false }))].map((each) => ({
      ...each,
      clause,
    }));
  });
}
