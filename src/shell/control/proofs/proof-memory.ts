import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AnswerMemory, KnownAnswers } from '../../prover/index.ts';

/** Answers kept; of each kind the newest stay. A hundred invariants over two hundred policies ask about two thousand questions. */
export const answersMax = 20_000;
/** A SHA-256 in base64url. */
const hashPattern = /^[A-Za-z0-9_-]{43}$/;
const fileBytesMax = 2 * answersMax * 48 + 1_000;

/** The solver's answers in a file of control's own cache, which nobody else can write; what cannot be read there was never known. */
export class ProofMemory implements AnswerMemory {
  readonly #path: string;
  readonly #onError: (error: unknown) => void;
  readonly #answers: Readonly<Record<keyof KnownAnswers, Set<string>>>;

  constructor(path: string, onError: (error: unknown) => void) {
    this.#path = path;
    this.#onError = onError;
    const read = readAnswers(path);
    this.#answers = { sat: new Set(read.sat), unsat: new Set(read.unsat) };
  }

  known(): KnownAnswers {
    return { sat: [...this.#answers.sat], unsat: [...this.#answers.unsat] };
  }

  /** Keeps answers, also for the next start. */
  learn(learned: KnownAnswers): void {
    if (learned.sat.length === 0 && learned.unsat.length === 0) return;
    for (const kind of ['sat', 'unsat'] as const) {
      const kept = this.#answers[kind];
      for (const hash of learned[kind]) kept.add(hash);
      for (const hash of kept) {
        if (kept.size <= answersMax) break;
        kept.delete(hash);
      }
    }
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#path}.new`, JSON.stringify(this.known()), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      // A full disk makes the next proof slower, and nothing else.
      this.#onError(error);
    }
  }
}

function readAnswers(path: string): KnownAnswers {
  const nothing = { sat: [], unsat: [] };
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > fileBytesMax) return nothing;
    const { sat, unsat } = JSON.parse(text) as Record<string, unknown>;
    return areHashes(sat) && areHashes(unsat) ? { sat, unsat } : nothing;
  } catch {
    return nothing;
  }
}

const areHashes = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string' && hashPattern.test(each));
