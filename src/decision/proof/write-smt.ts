import type { FreeSymbol, Term } from './meaning.ts';
import { argumentsOf, type PatternPart, type Sort, sortKey } from './term.ts';

/** A question in SMT-LIB 2.6, and the names under which the solver's answer is read. */
export interface SmtScript {
  readonly text: string;
  /** Everything the solver chooses, and what it is applied to: to be asked for with `get-value`. */
  readonly asked: readonly Term[];
  readonly nameOf: (term: Term) => string;
  /** Are texts the solver's strings? Otherwise they are values that have no more than an identity. */
  readonly hasStrings: boolean;
}

const smtOperators: Readonly<Record<string, string>> = {
  not: 'not',
  and: 'and',
  or: 'or',
  ite: 'ite',
  '=': '=',
  '+': '+',
  '-': '-',
  '*': '*',
  '<': '<',
  '<=': '<=',
  div: 'div',
  mod: 'mod',
  'prefix<=': 'bvule',
};

/** SMT-LIB strings have characters up to here. */
const codePointMax = 0x2ffff;

/** A text that the solver's strings cannot hold. */
export class UnwritableText extends Error {
  override readonly name = 'UnwritableText';
}

function quoted(text: string): string {
  let written = '';
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    if (point > codePointMax) throw new UnwritableText('a text with characters beyond U+2FFFF, beside `like`');
    const isPlain = point >= 0x20 && point < 0x7f && character !== '"' && character !== '\\';
    written += isPlain ? character : `\\u{${point.toString(16)}}`;
  }
  return `"${written}"`;
}

function pattern(parts: readonly PatternPart[]): string {
  const pieces = parts.map((part) => (part === 'Wildcard' ? 're.all' : `(str.to_re ${quoted(part.Literal)})`));
  return pieces.length === 1
    ? (pieces[0] ?? '')
    : pieces.length === 0
      ? '(str.to_re "")'
      : `(re.++ ${pieces.join(' ')})`;
}

/**
 * Names are made here, by number: nothing a policy's author wrote reaches the solver but numbers and quoted strings. They are counted in
 * this question alone, so that what it does not speak of does not change its text.
 */
class Writer {
  readonly lines: string[] = [];
  readonly #names = new Map<Term, string>();
  readonly #sorts = new Map<string, string>();
  readonly #symbols = new Map<FreeSymbol, string>();
  /** Literals of each sort that has none of its own. */
  readonly #literals = new Map<string, string[]>();
  readonly #hasLike: boolean;
  #terms = 0;

  constructor(hasLike: boolean) {
    this.#hasLike = hasLike;
  }

  #sort(sort: Sort): string {
    if (sort.name === 'bool') return 'Bool';
    if (sort.name === 'int') return 'Int';
    if (sort.name === 'address') return '(_ BitVec 128)';
    if (sort.name === 'prefix') return '(_ BitVec 8)';
    if (sort.name === 'text' && this.#hasLike) return 'String';
    const key = sortKey(sort);
    let name = this.#sorts.get(key);
    if (name === undefined) {
      name = `S${this.#sorts.size}`;
      this.#sorts.set(key, name);
      this.lines.push(`(declare-sort ${name} 0)`);
    }
    return name;
  }

  /** Texts without `like` are only ever compared, so they are a plain sort: any two literals of it differ. */
  #literal(term: Term): string {
    const sort = this.#sort(term.sort);
    const known = this.#literals.get(sort) ?? [];
    const name = `${sort}l${known.length}`;
    known.push(name);
    this.#literals.set(sort, known);
    this.lines.push(`(declare-const ${name} ${sort})`);
    return name;
  }

  #declare(symbol: FreeSymbol): string {
    let name = this.#symbols.get(symbol);
    if (name === undefined) {
      name = `f${this.#symbols.size}`;
      this.#symbols.set(symbol, name);
      const parameters = symbol.parameters.map((sort) => this.#sort(sort)).join(' ');
      this.lines.push(`(declare-fun ${name} (${parameters}) ${this.#sort(symbol.sort)})`);
    }
    return name;
  }

  name(term: Term): string {
    let name = this.#names.get(term);
    if (name === undefined) {
      name = this.#write(term);
      this.#names.set(term, name);
    }
    return name;
  }

  #write(term: Term): string {
    switch (term.op) {
      case 'bool':
        return String(term.value);
      case 'int':
        return term.value < 0n ? `(- ${-term.value})` : String(term.value);
      case 'bits':
        return `(_ bv${term.value} ${term.sort.name === 'address' ? 128 : 8})`;
      case 'text':
        return this.#hasLike ? quoted(term.value) : this.#literal(term);
      case 'entity':
        return this.#literal(term);
      default:
        return this.#define(term);
    }
  }

  #define(term: Term): string {
    const args = argumentsOf(term).map((argument) => this.name(argument));
    if (term.op === 'apply') {
      const head = this.#declare(term.symbol);
      return args.length === 0 ? head : this.#named(term, `(${head} ${args.join(' ')})`);
    }
    if (term.op === 'like') return this.#named(term, `(str.in_re ${args[0]} ${pattern(term.pattern)})`);
    if (term.op === 'shift') {
      const [address, prefix, width] = args;
      return this.#named(term, `(bvlshr ${address} ((_ zero_extend 120) (bvsub ${width} ${prefix})))`);
    }
    return this.#named(term, `(${smtOperators[term.op]} ${args.join(' ')})`);
  }

  #named(term: Term, text: string): string {
    const name = `t${this.#terms}`;
    this.#terms += 1;
    this.lines.push(`(define-fun ${name} () ${this.#sort(term.sort)} ${text})`);
    return name;
  }

  distinct(): string[] {
    return [...this.#literals.values()]
      .filter((names) => names.length > 1)
      .map((names) => `(assert (distinct ${names.join(' ')}))`);
  }
}

/** Everything these terms are made of, parts before wholes. */
export function subterms(roots: readonly Term[]): Term[] {
  const ordered: Term[] = [];
  const seen = new Set<Term>();
  const queue: { term: Term; isOpen: boolean }[] = roots.map((term) => ({ term, isOpen: false }));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next.isOpen) ordered.push(next.term);
    else if (!seen.has(next.term)) {
      seen.add(next.term);
      queue.push({ term: next.term, isOpen: true });
      for (const argument of argumentsOf(next.term)) queue.push({ term: argument, isOpen: false });
    }
  }
  return ordered;
}

/** Writes a satisfiability question: can all of these be true at once? Throws UnwritableText. */
export function writeSmt(assertions: readonly Term[]): SmtScript {
  const all = subterms(assertions);
  const hasStrings = all.some(({ op }) => op === 'like');
  const writer = new Writer(hasStrings);
  // Parts before wholes, so that deep policies do not recurse.
  for (const term of all) writer.name(term);
  const asserted = assertions.map((term) => `(assert ${writer.name(term)})`);
  const text = [...writer.lines, ...writer.distinct(), ...asserted].join('\n');
  const asked = new Set<Term>();
  for (const term of all) {
    if (term.op !== 'apply') continue;
    asked.add(term);
    for (const argument of term.args) asked.add(argument);
  }
  for (const term of all) if (term.op === 'entity' || term.op === 'text') asked.add(term);
  return { text, asked: [...asked], nameOf: (term) => writer.name(term), hasStrings };
}
