// Cedar's own answers to random requests: from WebAssembly, or from a program beside us that speaks lines of JSON.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import {
  type DecisionRequest,
  type EntityJson,
  type LosslessJson,
  type PolicyJson,
  type SchemaJson,
  withRawIntegers,
} from '#decision/engine';
import { cedar } from './wasm.ts';

/** What requests are judged by. */
export interface CedarSet {
  readonly schema: SchemaJson;
  readonly policies: readonly PolicyJson[];
}

/** What stands behind requests; actions, for an oracle that is not given the schema with each. */
export interface Given {
  readonly entities: readonly EntityJson[];
  readonly actions: readonly EntityJson[];
}

/** Answers as Cedar does, in words as `inWords` makes them, or `refused`. */
export interface Oracle {
  /** As many requests go well with one store of entities. */
  readonly requestsOfStore: number;
  /** Judges by these policies from now on; they are named `p0`, `p1`, … */
  take(set: CedarSet): Promise<void> | void;
  answers(requests: readonly DecisionRequest[], given: Given): Promise<readonly string[]> | readonly string[];
}

/** With integers of any size as they are. */
export const raw = (json: unknown) => withRawIntegers(json as LosslessJson) as never;

const byText = (a: string, b: string) => (a < b ? -1 : 1);
export const inWords = (decision: string, reasons: readonly string[], errors: readonly string[]) =>
  `${decision} ${[...reasons].sort(byText).join()} ${[...errors].sort(byText).join()}`;

const named = (policies: readonly PolicyJson[]) =>
  Object.fromEntries(policies.map((policy, index) => [`p${index}`, raw(policy)]));

const setId = 'compare-random';

/** Cedar in WebAssembly. */
class WasmOracle implements Oracle {
  readonly requestsOfStore = 20;

  take({ schema, policies }: CedarSet): void {
    const answers = [
      cedar.preparseSchema(setId, schema as never),
      cedar.preparsePolicySet(setId, { staticPolicies: named(policies) }),
    ];
    for (const answer of answers)
      if (answer.type === 'failure') throw new Error(`Cedar does not take a set: ${JSON.stringify(answer.errors[0])}`);
  }

  /**
   * Validating takes it most of its time, so requests that are known to fit come without: then `entities` must hold the actions too.
   */
  answer(
    { principal, action, resource, context }: Omit<DecisionRequest, 'entities'>,
    { entities, isValidated }: { entities: never; isValidated: boolean },
  ): string {
    const answer = cedar.statefulIsAuthorized({
      principal: { ...principal },
      action: { ...action },
      resource: { ...resource },
      context: raw(context),
      entities,
      preparsedPolicySetId: setId,
      ...(isValidated ? { preparsedSchemaName: setId, validateRequest: true } : {}),
    });
    if (answer.type === 'failure') return 'refused';
    const { decision, diagnostics } = answer.response;
    return inWords(
      decision,
      diagnostics.reason,
      diagnostics.errors.map(({ policyId }) => policyId),
    );
  }

  answers(requests: readonly DecisionRequest[], { entities, actions }: Given): readonly string[] {
    const [alone, withActions] = [raw(entities), raw([...entities, ...actions])];
    return requests.map((request, index) =>
      this.answer(request, { entities: index === 0 ? alone : withActions, isValidated: index === 0 }),
    );
  }
}

export const wasmOracle = new WasmOracle();

/** Native Cedar: benchmarks/engine/rust/src/bin/oracle.rs. It validates every request. */
export class NativeOracle implements Oracle {
  readonly requestsOfStore = 120;
  readonly #program: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string) {
    this.#program = spawn(path, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#program.stdout })[Symbol.asyncIterator]();
  }

  async #ask(question: object): Promise<unknown> {
    this.#program.stdin.write(`${JSON.stringify(question)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the oracle has ended');
    return JSON.parse(value);
  }

  async take({ schema, policies }: CedarSet): Promise<void> {
    await this.#ask({ schema, policies: named(policies) });
  }

  async answers(requests: readonly DecisionRequest[], { entities }: Given): Promise<readonly string[]> {
    const taken = await this.#ask({ entities: raw(entities) });
    if (taken !== 'taken') return requests.map(() => 'refused');
    const bare = requests.map(({ entities: _, context, ...rest }) => ({ ...rest, context: raw(context) }));
    const answers = (await this.#ask({ requests: bare })) as readonly (
      | 'refused'
      | readonly [string, string[], string[]]
    )[];
    return answers.map((answer) => (answer === 'refused' ? answer : inWords(...answer)));
  }

  end(): void {
    this.#program.stdin.end();
  }
}
