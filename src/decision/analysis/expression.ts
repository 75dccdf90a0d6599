/** An expression of Cedar's JSON policy format (https://docs.cedarpolicy.com/policies/json-format.html): one operator and its operand. */
export type Expression = { readonly [operator: string]: unknown };

/** An expression taken apart: its operator, and what it is applied to in the order in which Cedar evaluates it. */
export interface Application {
  readonly operator: string;
  readonly operand: unknown;
  readonly arguments: readonly Argument[];
}

export interface Argument {
  /** The key under which it stands in the operand. */
  readonly step: string | number;
  readonly expression: Expression;
}

/** Keys of what is applied, by operator; every other operator has two sides, or a list. */
const steps: Readonly<Record<string, readonly string[]>> = {
  Value: [],
  Var: [],
  Slot: [],
  '!': ['arg'],
  neg: ['arg'],
  isEmpty: ['arg'],
  '.': ['left'],
  has: ['left'],
  like: ['left'],
  is: ['left', 'in'],
  'if-then-else': ['if', 'then', 'else'],
};

/** Takes an expression apart. */
export function applicationOf(expression: Expression): Application {
  const [operator = '', operand] = Object.entries(expression)[0] ?? [];
  return { operator, operand, arguments: argumentsOf(operator, operand) };
}

function argumentsOf(operator: string, operand: unknown): readonly Argument[] {
  if (Array.isArray(operand) && operator !== 'Value')
    return operand.map((part: Expression, step) => ({ step, expression: part }));
  const members = operand as Readonly<Partial<Record<string, Expression>>>;
  const names =
    operator === 'Record' ? Object.keys(members) : Object.hasOwn(steps, operator) ? steps[operator] : ['left', 'right'];
  return (names ?? []).flatMap((step) => {
    const part = members[step];
    return part === undefined ? [] : [{ step, expression: part }];
  });
}

const booleanOperators: ReadonlySet<string> = new Set([
  ...['&&', '||', '!', '==', '!=', '<', '<=', '>', '>=', 'in', 'is', 'has', 'like', 'hasTag'],
  ...['contains', 'containsAll', 'containsAny', 'isEmpty'],
  ...['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast', 'isInRange'],
  ...['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'],
]);

/** Does this operator give a boolean whatever it is applied to? Attributes, tags and `if` may give one too. */
export function givesBoolean(operator: string): boolean {
  return booleanOperators.has(operator);
}
