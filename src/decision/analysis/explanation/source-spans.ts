import type { JsonPath, LocatedPolicy } from '#decision/engine';
import type { SourcePlace } from '#foundation/model';
import { type Token, tokensOf } from './tokens.ts';

/** Where an expression stands in its policy's text, and what Cedar's JSON calls it. */
interface Node {
  readonly operator: string;
  readonly start: number;
  readonly end: number;
  /** Where it begins with the parentheses around it: there begins what it is the first part of. */
  readonly from: number;
  readonly parts: ReadonlyMap<string | number, Node>;
}

const relations = new Set(['==', '!=', '<', '<=', '>', '>=', 'in']);
const variables = new Set(['principal', 'action', 'resource', 'context']);
/** Deeper text is refused by the parser of policies already. */
const depthMax = 400;

class Unreadable extends Error {}

/**
 * Finds expressions in the text of a policy that Cedar's parser has accepted. It names operators as Cedar's JSON does, so that a path
 * into the JSON leads to a place in the text; it judges nothing.
 */
class SpanReader {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  conditions(): Node[] {
    while (this.#is('@')) {
      this.#next += 2;
      if (this.#is('(')) this.#skipGroup();
    }
    this.#next += 1;
    this.#skipGroup();
    const found: Node[] = [];
    while (this.#is('when') || this.#is('unless')) {
      this.#next += 1;
      this.#take('{');
      found.push(this.#expression());
      this.#take('}');
    }
    return found;
  }

  #skipGroup(): void {
    let depth = 0;
    do {
      const token = this.#advance();
      if (token.kind !== 'mark') continue;
      if (token.text === '(') depth += 1;
      if (token.text === ')') depth -= 1;
    } while (depth > 0);
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#next + ahead];
  }

  #is(text: string, ahead = 0): boolean {
    const token = this.#peek(ahead);
    return token !== undefined && token.kind !== 'string' && token.text === text;
  }

  #advance(): Token {
    const token = this.#peek();
    if (token === undefined) throw new Unreadable();
    this.#next += 1;
    return token;
  }

  #take(text: string): Token {
    if (!this.#is(text)) throw new Unreadable();
    return this.#advance();
  }

  #end(): number {
    return this.#tokens[this.#next - 1]?.end ?? 0;
  }

  #node(operator: string, start: number, parts: readonly (readonly [string | number, Node])[] = []): Node {
    return { operator, start, end: this.#end(), from: start, parts: new Map(parts) };
  }

  #expression(): Node {
    this.#depth += 1;
    if (this.#depth > depthMax) throw new Unreadable();
    const node = this.#is('if') ? this.#conditional() : this.#leftToRight(['||'], () => this.#and());
    this.#depth -= 1;
    return node;
  }

  #conditional(): Node {
    const { start } = this.#take('if');
    const test = this.#expression();
    this.#take('then');
    const yes = this.#expression();
    this.#take('else');
    const no = this.#expression();
    return this.#node('if-then-else', start, [
      ['if', test],
      ['then', yes],
      ['else', no],
    ]);
  }

  #leftToRight(operators: readonly string[], operand: () => Node): Node {
    let left = operand();
    while (operators.some((operator) => this.#is(operator))) {
      const { text } = this.#advance();
      const right = operand();
      left = this.#node(text, left.from, [
        ['left', left],
        ['right', right],
      ]);
    }
    return left;
  }

  #and(): Node {
    return this.#leftToRight(['&&'], () => this.#relation());
  }

  #relation(): Node {
    const left = this.#sum();
    const word = this.#peek();
    if (word === undefined || word.kind === 'string') return left;
    if (relations.has(word.text)) {
      this.#next += 1;
      const right = this.#sum();
      return this.#node(word.text, left.from, [
        ['left', left],
        ['right', right],
      ]);
    }
    if (word.text === 'has') {
      this.#next += 2;
      while (this.#is('.')) this.#next += 2;
      return this.#node('has', left.from, [['left', left]]);
    }
    if (word.text === 'like') {
      this.#next += 2;
      return this.#node('like', left.from, [['left', left]]);
    }
    if (word.text !== 'is') return left;
    this.#next += 2;
    while (this.#is('::')) this.#next += 2;
    if (!this.#is('in')) return this.#node('is', left.from, [['left', left]]);
    this.#next += 1;
    const above = this.#sum();
    return this.#node('is', left.from, [
      ['left', left],
      ['in', above],
    ]);
  }

  #sum(): Node {
    return this.#leftToRight(['+', '-'], () => this.#leftToRight(['*'], () => this.#unary()));
  }

  #unary(): Node {
    const token = this.#peek();
    if (token === undefined || (!this.#is('!') && !this.#is('-'))) return this.#member();
    this.#next += 1;
    if (token.text === '-' && this.#peek()?.kind === 'number') {
      // A number with its sign is one literal, unless something is asked of it.
      this.#next += 1;
      return this.#node('Value', token.start);
    }
    const argument = this.#unary();
    return this.#node(token.text === '!' ? '!' : 'neg', token.start, [['arg', argument]]);
  }

  #member(): Node {
    let node = this.#primary();
    for (;;) {
      if (this.#is('[')) {
        this.#next += 2;
        this.#take(']');
        node = this.#node('.', node.from, [['left', node]]);
      } else if (this.#is('.')) {
        this.#next += 1;
        const name = this.#advance().text;
        node = this.#is('(') ? this.#method(node, name) : this.#node('.', node.from, [['left', node]]);
      } else return node;
    }
  }

  #method(subject: Node, name: string): Node {
    const rest = this.#list('(', ')');
    if (name === 'isEmpty') return this.#node(name, subject.from, [['arg', subject]]);
    if (['contains', 'containsAll', 'containsAny', 'hasTag', 'getTag'].includes(name)) {
      const [right] = rest;
      if (right === undefined) throw new Unreadable();
      return this.#node(name, subject.from, [
        ['left', subject],
        ['right', right],
      ]);
    }
    return this.#node(
      name,
      subject.from,
      [subject, ...rest].map((each, index) => [index, each] as const),
    );
  }

  #list(open: string, close: string): Node[] {
    this.#take(open);
    const found: Node[] = [];
    while (!this.#is(close)) {
      found.push(this.#expression());
      if (!this.#is(close)) this.#take(',');
    }
    this.#take(close);
    return found;
  }

  #primary(): Node {
    const token = this.#peek();
    if (token === undefined) throw new Unreadable();
    if (this.#is('(')) {
      this.#next += 1;
      const inner = this.#expression();
      this.#take(')');
      return { ...inner, from: token.start };
    }
    if (this.#is('[')) {
      const items = this.#list('[', ']');
      return this.#node(
        'Set',
        token.start,
        items.map((each, index) => [index, each] as const),
      );
    }
    if (this.#is('{')) return this.#record();
    this.#next += 1;
    if (token.kind !== 'name') return this.#node('Value', token.start);
    if (this.#is('::')) {
      while (this.#is('::')) this.#next += 2;
      if (this.#is('(')) throw new Unreadable();
      return this.#node('Value', token.start);
    }
    if (this.#is('(')) {
      const args = this.#list('(', ')');
      return this.#node(
        token.text,
        token.start,
        args.map((each, index) => [index, each] as const),
      );
    }
    return this.#node(variables.has(token.text) ? 'Var' : 'Value', token.start);
  }

  #record(): Node {
    const { start } = this.#take('{');
    const parts: [string, Node][] = [];
    while (!this.#is('}')) {
      const name = this.#advance();
      this.#take(':');
      parts.push([name.kind === 'string' ? name.text.slice(1, -1) : name.text, this.#expression()]);
      if (!this.#is('}')) this.#take(',');
    }
    this.#take('}');
    return this.#node('Record', start, parts);
  }
}

function readConditions(text: string): readonly Node[] {
  const tokens = tokensOf(text);
  if (tokens === undefined) return [];
  try {
    return new SpanReader(tokens).conditions();
  } catch (error) {
    if (error instanceof Unreadable) return [];
    throw error;
  }
}

/** Follows a path: an operator, the key of its operand, the operator there, and so on. */
function nodeAt(root: Node | undefined, rest: JsonPath, operator: string): Node | undefined {
  let node = root;
  for (let index = 0; index < rest.length; index += 2) {
    const key = rest[index + 1];
    if (node?.operator !== rest[index] || key === undefined) return undefined;
    node = node?.parts.get(key);
  }
  return node?.operator === operator ? node : undefined;
}

/** Makes the function that gives the place of an expression, by its path in the policy's JSON and its operator there; undefined: not found. */
export function sourcePlaces(
  policy: Pick<LocatedPolicy, 'file' | 'line' | 'text'>,
): (path: JsonPath, operator: string) => SourcePlace | undefined {
  let conditions: readonly Node[] | undefined;
  return (path, operator) => {
    const [, index, , ...rest] = path;
    conditions ??= readConditions(policy.text);
    const node = path[0] === 'conditions' ? nodeAt(conditions[Number(index)], rest, operator) : undefined;
    if (node === undefined) return undefined;
    const before = policy.text.slice(0, node.start).split(/\r\n|\r|\n/);
    return {
      file: policy.file,
      line: policy.line + before.length - 1,
      column: (before.at(-1)?.length ?? 0) + 1,
      text: policy.text.slice(node.start, node.end),
    };
  };
}
