import type { Term } from './meaning.ts';

/** A value as the solver names it: equal texts are equal values of one sort. */
export type SolverValue = boolean | bigint | string;

/** What the solver said cannot be read; nothing follows from it. */
export class SolverError extends Error {
  override readonly name = 'SolverError';
}

type Expression = string | readonly Expression[];
const token = /\s*(?:([()])|(\|[^|]*\|)|([^\s()"|]+))/y;

/** Reads one S-expression. Throws SolverError. */
function readExpression(text: string): Expression {
  const open: Expression[][] = [[]];
  token.lastIndex = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const [, mark, symbol, atom] = match;
    if (mark === '(') open.push([]);
    else if (mark === ')') {
      const closed = open.pop();
      const outer = open.at(-1);
      if (closed === undefined || outer === undefined) throw new SolverError('a bracket too many');
      outer.push(closed);
    } else open.at(-1)?.push(symbol ?? atom ?? '');
  }
  const [all] = open;
  const first = all?.[0];
  if (open.length !== 1 || first === undefined || all?.length !== 1) throw new SolverError('not one expression');
  return first;
}

function readValue(expression: Expression): SolverValue {
  if (typeof expression === 'string') {
    if (expression === 'true' || expression === 'false') return expression === 'true';
    if (/^[0-9]+$/.test(expression)) return BigInt(expression);
    if (/^#x[0-9a-fA-F]+$/.test(expression)) return BigInt(`0x${expression.slice(2)}`);
    if (/^#b[01]+$/.test(expression)) return BigInt(`0b${expression.slice(2)}`);
    if (/^S[0-9]+!val![0-9]+$/.test(expression)) return expression;
  } else if (expression.length === 2 && expression[0] === '-') {
    const [, size] = expression;
    const value = size === undefined ? '' : readValue(size);
    if (typeof value === 'bigint') return -value;
  }
  throw new SolverError(`an unknown value \`${JSON.stringify(expression).slice(0, 80)}\``);
}

/** Reads the answer to `(get-value …)`, in the order asked. Throws SolverError. */
export function readValues(answer: string, asked: readonly Term[]): ReadonlyMap<Term, SolverValue> {
  const pairs = readExpression(answer);
  if (typeof pairs === 'string' || pairs.length !== asked.length)
    throw new SolverError('another number of values than asked');
  return new Map(
    asked.map((term, index) => {
      const pair = pairs[index];
      const value = typeof pair === 'string' ? undefined : pair?.[1];
      if (value === undefined) throw new SolverError('a pair without a value');
      return [term, readValue(value)];
    }),
  );
}
