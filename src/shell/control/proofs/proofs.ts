import { createHash } from 'node:crypto';
import type { PolicySource } from '#decision/engine';
import {
  type AnswerMemory,
  analyse,
  type Checked,
  compare,
  type Findings,
  type PolicyTexts,
  type ProveLimits,
  ProverError,
  prove,
} from '../../prover/index.ts';

type Texts = PolicyTexts & { readonly invariants: readonly PolicySource[] };
type Proved = Checked<Findings['prove']>;

/** Questions of readers under way at once: one prover stays free for those who publish. */
export const readersMax = 1;

/** Whole questions whose every invariant held. */
const questionsMax = 100;

/**
 * Proves for control, and remembers: an invariant is put to the solver again only when what it is asked about is another. Whoever may not publish
 * teaches nothing (`teaches`): what a gate rests on comes from those who may pass it.
 */
export class Proofs {
  readonly #memory: AnswerMemory;
  /** Questions of this process alone, so of one version of the encoder. */
  readonly #held = new Map<string, Proved>();
  #readers = 0;

  constructor(memory: AnswerMemory) {
    this.#memory = memory;
  }

  /** Proves invariants; a set that was asked about before, with the same texts and states, is not asked about again if all of them held. */
  async prove(texts: Texts, { teaches, ...limits }: ProveLimits & { readonly teaches: boolean }): Promise<Proved> {
    const key = hashOf(texts);
    const held = this.#held.get(key);
    if (held !== undefined) return held;
    const proved = await prove(texts, this.#with(limits, teaches));
    if (teaches && proved.found?.every(({ outcome }) => outcome === 'holds') === true) {
      this.#held.set(key, proved);
      for (const oldest of this.#held.keys()) {
        if (this.#held.size <= questionsMax) break;
        this.#held.delete(oldest);
      }
    }
    return proved;
  }

  /** Takes the place of a reader; what it gives back gives up the place. Throws ProverError when none is free. */
  take(): () => void {
    if (this.#readers >= readersMax) throw new ProverError('something is being proved already; try again shortly');
    this.#readers += 1;
    return () => {
      this.#readers -= 1;
    };
  }

  /** Runs a reader's question. Throws ProverError when no place is free. */
  async whenFree<T>(question: () => Promise<T>): Promise<T> {
    const release = this.take();
    try {
      return await question();
    } finally {
      release();
    }
  }

  compare(sets: Parameters<typeof compare>[0], limits: ProveLimits): ReturnType<typeof compare> {
    return compare(sets, this.#with(limits, false));
  }

  analyse(texts: PolicyTexts, limits: ProveLimits): ReturnType<typeof analyse> {
    return analyse(texts, this.#with(limits, false));
  }

  #with(limits: ProveLimits, teaches: boolean): ProveLimits {
    const memory = teaches ? this.#memory : { known: () => this.#memory.known(), learn: () => undefined };
    return { ...limits, memory };
  }
}

/** Everything the answer depends on, in one form: each text ends where its JSON does. */
function hashOf({ schema, policies, invariants, states = [] }: Texts): string {
  const files = (texts: readonly PolicySource[]) => texts.map(({ file, text }) => [file, text]);
  const said = [schema, files(policies), files(invariants), states];
  return createHash('sha256').update(JSON.stringify(said)).digest('base64url');
}
