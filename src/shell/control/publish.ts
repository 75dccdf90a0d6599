import {
  compilePublication,
  type PublicationStatement,
  type PublishedPolicies,
  publicationStatement,
} from '#decision/administration';
import type { Problem } from '#decision/engine';
// Types alone: the room itself is loaded by the parsing process.
import type { NamedEntity } from '#decision/parser';
import type { GitOrigin, PolicyStates, Publication } from '#foundation/model';
import type { FactTable } from '#information/inventory';
import { type FailedGate, failedGates, GateError, type GateWatch, type InvariantCheck } from './gates.ts';
import type { PolicyParser } from './policy-parser/policy-parser.ts';
import { type StateChange, statesAfter } from './policy-states.ts';

type Text = { readonly file: string; readonly text: string };

export interface PublicationRequest {
  readonly schema: string;
  readonly policies: readonly Text[];
  /** `*.test.yaml`; undefined: those of the publication in force. */
  readonly tests?: readonly Text[] | undefined;
  readonly invariants?: readonly Text[] | undefined;
  /** Policies that are not named keep their state; new ones are enforced. */
  readonly states?: readonly StateChange[] | undefined;
  readonly git?: GitOrigin | null | undefined;
  /** May tests and invariants of the publication in force be dropped? What the operator's own configuration names may do so. */
  readonly mayDropChecks?: boolean | undefined;
  /** Why it shall be published although a gate says no; whoever asks may do that. */
  readonly override?: string | undefined;
  /** Entity uid of who publishes, in Cedar syntax. */
  readonly author: string;
  readonly message: string;
}

export interface PublicationNeeds {
  readonly facts: FactTable;
  readonly clock: () => number;
  readonly parser: PolicyParser;
  /** The signer's statement over sequence, hashes and states: gateways take no publication without it. */
  readonly signPublication: (statement: PublicationStatement) => Promise<string>;
  /** Proves invariants for all requests. */
  readonly checkInvariants?: InvariantCheck | undefined;
}

export interface PreparedPublication {
  readonly body: Publication;
  readonly compiled: PublishedPolicies;
  readonly expectedRevision: number;
}

/** Policies that must not be published; `problems` says why, each with its place. */
export class UnpublishableError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const [first] = problems;
    super(
      first === undefined
        ? 'the policies are not valid'
        : `${first.file ?? 'the schema'}:${first.line ?? 1}:${first.column ?? 1}: ${first.message}`,
    );
    this.name = 'UnpublishableError';
    this.problems = problems;
  }
}

/** A policy set that may be published: it is valid, and passed its gates or has an override. */
export interface ExaminedPublication {
  readonly request: PublicationRequest & { readonly tests: readonly Text[]; readonly invariants: readonly Text[] };
  readonly parsedForm: string;
  /** What is doubtful about it, and the entities that it names. */
  readonly warnings: readonly Problem[];
  readonly named: readonly NamedEntity[];
  readonly override: Publication['override'];
  /** The publication that stood then. */
  readonly sequence: number;
}

/** Throws for policies that must not be in force whatever gates say: asked before time is spent on proofs. */
type Refuse = (policies: PublishedPolicies) => Promise<void>;

/**
 * Checks policies and passes them through the gates: what was checked before is checked still, tests, then invariants. That may take a minute, and changes nothing. Throws
 * UnpublishableError for what is not valid, which nothing overrides; what `refuse` throws; GateError for failed gates without an override;
 * UnknownPolicyError.
 */
export async function examinePublication(
  needs: PublicationNeeds,
  { refuse, onProgress, signal, ...wanted }: PublicationRequest & GateWatch & { readonly refuse?: Refuse },
): Promise<ExaminedPublication> {
  const current = needs.facts.get('publication', 'current');
  const { schema, policies, override } = wanted;
  const tests = wanted.tests ?? current?.tests ?? [];
  const invariants = wanted.invariants ?? current?.invariants ?? [];
  const before = wanted.mayDropChecks === true ? undefined : current;
  onProgress?.({ step: 'tests', done: 0, total: 0, what: '' });
  const prepared = await needs.parser.prepare({
    ...{ policies, schema, tests, invariants },
    before: before && { schema: before.schema, tests: before.tests, invariants: before.invariants },
  });
  const { problems: warnings, parsedForm, named, tested, dropped = [] } = prepared;
  if (parsedForm === undefined) throw new UnpublishableError(warnings.filter((each) => each.level === 'error'));
  const states = statesAfter(current?.states ?? [], {
    changes: wanted.states ?? [],
    parsed: parsedForm,
    schema,
    policies,
  });
  const sequence = current?.sequence ?? 0;
  await refuse?.(compilePublication({ sequence: sequence + 1, schema, policies, parsed: parsedForm, states }));
  const failed = await failedGates({
    tested,
    dropped,
    check: needs.checkInvariants,
    schema,
    policies,
    invariants,
    states,
    onProgress,
    signal,
  });
  if (failed.length > 0 && override === undefined) throw new GateError(failed);
  const examined = { parsedForm, warnings, named, override: overrideOf(failed, override), sequence };
  return { request: { ...wanted, tests, invariants }, ...examined };
}

/**
 * Compiles what was examined and has the signer sign it. Gives the next publication, ready to be committed as fact `publication` `current` at
 * `expectedRevision`. Throws UnknownPolicyError for a state of no policy.
 */
export async function prepareExamined(
  needs: PublicationNeeds,
  { request, parsedForm: parsed, override }: ExaminedPublication,
): Promise<PreparedPublication> {
  const { schema, policies, states: changes = [] } = request;
  // What an earlier publication says of a policy that is gone says nothing.
  const before = needs.facts.get('publication', 'current')?.states ?? [];
  return signNext(needs, {
    ...request,
    parsed,
    override,
    states: statesAfter(before, { changes, parsed, schema, policies }),
  });
}

/** Both at once, for when nobody waits. */
export async function preparePublication(
  needs: PublicationNeeds,
  request: PublicationRequest,
): Promise<PreparedPublication> {
  return prepareExamined(needs, await examinePublication(needs, request));
}

/** What the history says of gates that were closed. */
export function overrideOf(failed: readonly FailedGate[], reason: string | undefined): Publication['override'] {
  if (failed.length === 0 || reason === undefined) return null;
  return { reason, gates: failed.map(({ gate }) => gate) };
}

/**
 * Publishes again what was signed before, with other states or none: the parsed form is taken as it was signed and nothing is parsed.
 * `earlier` must have been verified against its manifest.
 */
export async function prepareAgain(
  needs: PublicationNeeds,
  request: {
    readonly earlier: Publication;
    /** Instead of those it had. */
    readonly invariants?: Publication['invariants'];
    readonly override?: Publication['override'];
    readonly states: PolicyStates;
    readonly author: string;
    readonly message: string;
  },
): Promise<PreparedPublication> {
  const { earlier, ...rest } = request;
  return signNext(needs, { ...earlier, ...rest });
}

type Unsigned = Omit<
  Publication,
  'sequence' | 'publishedAt' | 'manifest' | 'policies' | 'tests' | 'invariants' | 'git'
> & {
  readonly policies: readonly Text[];
  readonly tests: readonly Text[];
  readonly invariants: readonly Text[];
  readonly git?: GitOrigin | null | undefined;
};

async function signNext(needs: PublicationNeeds, parts: Unsigned): Promise<PreparedPublication> {
  const standing = needs.facts.standing('publication', 'current');
  const plain = (texts: readonly Text[]) => texts.map(({ file, text }) => ({ file, text }));
  const unsigned = {
    sequence: (standing?.body.sequence ?? 0) + 1,
    schema: parts.schema,
    policies: plain(parts.policies),
    tests: plain(parts.tests),
    invariants: plain(parts.invariants),
    author: parts.author,
    message: parts.message,
    publishedAt: needs.clock(),
    parsed: parts.parsed,
    states: parts.states,
    git: parts.git ?? null,
    override: parts.override,
  };
  const compiled = compilePublication(unsigned);
  const manifest = await needs.signPublication(publicationStatement(unsigned, compiled.compiled));
  return { body: { ...unsigned, manifest }, compiled, expectedRevision: standing?.revision ?? 0 };
}
