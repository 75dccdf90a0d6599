import { compilePattern } from '#decision/engine';
import type { LikeFact } from './like-words.ts';
import type { FreeSymbol, Term } from './meaning.ts';
import { argumentsOf, type Sort, sortKey, textSort } from './term.ts';

/** A question in SMT-LIB 2.6, and the names under which the solver's answer is read. */
export interface SmtScript {
  readonly text: string;
  /** Everything the solver chooses, and what it is applied to: to be asked for with `get-value`. */
  readonly asked: readonly Term[];
  readonly nameOf: (term: Term) => string;
  /**
   * Every `like` of the question. To the solver texts have no more than an identity, and patterns are properties of which it knows what is so of
   * the texts in the question: what else they rule out, it is told by `never`.
   */
  readonly likes: readonly Extract<Term, { op: 'like' }>[];
  /** An assertion: there is no text of which all of these are so. Of these subjects of `likes`; else of all. */
  readonly never: (facts: readonly LikeFact[], subjects?: readonly Term[]) => string;
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

/** More than can be told the solver of texts and patterns. */
export class UnwritableText extends Error {
  override readonly name = 'UnwritableText';
}

/** Facts about texts of the question and its patterns. */
const groundFactsMax = 50_000;

/**
 * Names are made here, by number: nothing a policy's author wrote reaches the solver but numbers. They are counted in
 * this question alone, so that what it does not speak of does not change its text.
 */
class Writer {
  readonly lines: string[] = [];
  readonly #names = new Map<Term, string>();
  readonly #sorts = new Map<string, string>();
  readonly #symbols = new Map<FreeSymbol, string>();
  /** Literals of each sort that has none of its own. */
  readonly #literals = new Map<string, string[]>();
  readonly #patterns = new Map<string, string>();
  #terms = 0;

  #sort(sort: Sort): string {
    if (sort.name === 'bool') return 'Bool';
    if (sort.name === 'int') return 'Int';
    if (sort.name === 'address') return '(_ BitVec 128)';
    if (sort.name === 'prefix') return '(_ BitVec 8)';
    const key = sortKey(sort);
    let name = this.#sorts.get(key);
    if (name === undefined) {
      name = `S${this.#sorts.size}`;
      this.#sorts.set(key, name);
      this.lines.push(`(declare-sort ${name} 0)`);
    }
    return name;
  }

  /** Texts are only ever compared, and put to patterns, so they are a plain sort: any two literals of it differ. */
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

  /** What a pattern says of a text. */
  pattern({ pattern }: Pick<LikeFact, 'pattern'>): string {
    const key = JSON.stringify(pattern);
    let name = this.#patterns.get(key);
    if (name === undefined) {
      name = `p${this.#patterns.size}`;
      this.#patterns.set(key, name);
      this.lines.push(`(declare-fun ${name} (${this.#sort(textSort)}) Bool)`);
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
    if (term.op === 'like') return this.#named(term, `(${this.pattern(term)} ${args[0]})`);
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

/** What is so of the texts and the patterns that a question names. Throws UnwritableText. */
function groundFacts(writer: Writer, { all, likes }: { all: readonly Term[]; likes: SmtScript['likes'] }): string[] {
  const patterns = new Map(likes.map((term) => [writer.pattern(term), term.pattern]));
  const texts = all.flatMap((term) => (term.op === 'text' ? [term] : []));
  if (patterns.size * texts.length > groundFactsMax)
    throw new UnwritableText(`${patterns.size} patterns of \`like\` beside ${texts.length} texts`);
  return [...patterns].flatMap(([name, pattern]) => {
    const isLike = compilePattern(pattern);
    return texts.map((text) => {
      const fact = `(${name} ${writer.name(text)})`;
      return `(assert ${isLike(text.value) ? fact : `(not ${fact})`})`;
    });
  });
}

/** Writes a satisfiability question: can all of these be true at once? Throws UnwritableText. */
export function writeSmt(assertions: readonly Term[]): SmtScript {
  const all = subterms(assertions);
  const likes = all.flatMap((term) => (term.op === 'like' ? [term] : []));
  const writer = new Writer();
  // Parts before wholes, so that deep policies do not recurse.
  for (const term of all) writer.name(term);
  const asserted = assertions.map((term) => `(assert ${writer.name(term)})`);
  const facts = groundFacts(writer, { all, likes });
  const text = [...writer.lines, ...writer.distinct(), ...facts, ...asserted].join('\n');
  const asked = new Set<Term>(likes);
  for (const term of all) {
    if (term.op !== 'apply' && term.op !== 'like') continue;
    asked.add(term);
    for (const argument of term.args) asked.add(argument);
  }
  for (const term of all) if (term.op === 'entity' || term.op === 'text') asked.add(term);
  const allSubjects = [...new Set(likes.flatMap(({ args }) => args))];
  const never = (facts: readonly LikeFact[], subjects: readonly Term[] = allSubjects) =>
    subjects
      .map((subject) => {
        const name = writer.name(subject);
        const together = facts.map((fact) => {
          const term = `(${writer.pattern(fact)} ${name})`;
          return fact.isLike ? term : `(not ${term})`;
        });
        return `(assert (not (and ${together.join(' ')})))`;
      })
      .join('\n');
  return { text, asked: [...asked], nameOf: (term) => writer.name(term), likes, never };
}
