import type { z } from 'zod';
import { compilePublication, type PublishedPolicies } from '#decision/administration';
import { problemWords } from '#decision/engine';
import { canonicalJson } from '#foundation/encoding';
import { formatUid, type GateProgress, type GitOrigin, type Publication } from '#foundation/model';
import { isPublicationSigned, verifyPublication } from '#shell/replica';
import { failedGates, GateError } from '../gates.ts';
import { PolicyParserError } from '../policy-parser/policy-parser.ts';
import { describeChanges, type StateChange, statesAfter, UnknownPolicyError } from '../policy-states.ts';
import {
  type ExaminedPublication,
  examinePublication,
  overrideOf,
  type PreparedPublication,
  type PublicationRequest,
  prepareAgain,
  prepareExamined,
  UnpublishableError,
} from '../publish.ts';
import { refuseToStrand } from './administrators.ts';
import { authoriseAlso } from './authorise.ts';
import type { Caller } from './caller.ts';
import { change, checkRevision } from './change.ts';
import type { problemView } from './policy-shapes.ts';
import { problemsMax, viewProblems } from './policy-warnings.ts';
import { ApiProblem, missingName, problem } from './problem.ts';
import type { ApiServices } from './services.ts';
import { viewFact } from './view.ts';

type Text = { readonly file: string; readonly text: string };

/** A policy set that a caller wants in force. */
export interface WantedPublication {
  readonly schema: string;
  readonly policies: readonly Text[];
  readonly tests?: readonly Text[] | undefined;
  readonly invariants?: readonly Text[] | undefined;
  readonly states?: readonly StateChange[] | undefined;
  readonly git?: GitOrigin | undefined;
  /** Is another commit something to publish where nothing else is? */
  readonly isCommitNews: boolean;
  readonly override?: string | undefined;
  readonly message: string;
}

/** Publications kept in the history list. */
const historyMax = 1000;

/** Earlier publications and the one in force, newest first. */
export async function publications(services: ApiServices): Promise<{ revision: number; body: Publication }[]> {
  const versions = await services.store.history('publication', 'current', { limit: historyMax });
  return versions.map(({ fromRevision, body }) => ({ revision: fromRevision, body }));
}

/** The publication in force as the API answers. */
export function currentPublication(services: ApiServices) {
  const { manifest: _manifest, parsed: _parsed, ...publication } = viewFact(services, 'publication', 'current');
  return { body: publication, revision: publication.revision };
}

/** The publication in force, and whether it was made just now: what changes nothing makes no other. */
function answerOf(services: ApiServices, { isNew }: { isNew: boolean }) {
  const { body, revision } = currentPublication(services);
  return { body: { ...body, isNew, warnings: [] as z.infer<typeof problemView>[] }, revision };
}

/** The answer where nothing changes. Throws ApiProblem when the caller has seen another publication. */
function unchanged(services: ApiServices, ifMatch: number | undefined) {
  const answer = answerOf(services, { isNew: false });
  checkRevision(ifMatch, answer.revision);
  return answer;
}

interface Compared {
  readonly schema: string;
  readonly policies: readonly Text[];
  readonly tests: readonly Text[];
  readonly invariants: readonly Text[];
  readonly states: Publication['states'];
  readonly git: GitOrigin | null;
}

/** Does this say what is in force already? Nothing does when the signer did not sign what stands: that is in force for nobody. */
function isInForce(services: ApiServices, wanted: Compared): boolean {
  const current = services.facts.get('publication', 'current');
  if (current === undefined || services.policies() === null) return false;
  const compared = ({ schema, policies, tests, invariants, states, git }: Compared) =>
    canonicalJson({ schema, policies, tests, invariants, states, git });
  return compared(current) === compared(wanted);
}

/** What is wrong with policies, as an answer. */
export function unpublishable(error: UnpublishableError): ApiProblem {
  return new ApiProblem({
    status: 400,
    code: 'invalid-policies',
    detail: `the policies are not valid, nothing was published: ${error.message}`,
    errors: error.problems.slice(0, 100).map((each) => ({
      path: `${each.file ?? '(schema)'}:${each.line ?? 1}:${each.column ?? 1}`,
      message: problemWords(each),
    })),
  });
}

/** What preparing a publication throws, as the API tells it. */
function told(error: unknown): unknown {
  if (error instanceof UnpublishableError) return unpublishable(error);
  if (error instanceof GateError) {
    return new ApiProblem({
      status: 409,
      code: 'gate-closed',
      detail: `nothing was published: ${error.message}; mend it, or publish with an override and a reason`,
      errors: error.gates.flatMap(({ gate, words }) => words.map((message) => ({ path: gate, message }))),
    });
  }
  return error instanceof UnknownPolicyError ? problem(400, 'unknown-policy', error.message) : error;
}

/** Refuses texts that come from elsewhere: the folder that the configuration names. */
function refuseOwned(services: ApiServices): void {
  if (!services.configStatus().ownsPolicies) return;
  throw problem(
    409,
    'config-origin',
    'the policies come from the folder that the configuration names; change them there, they take effect at once',
  );
}

interface Publishing extends Pick<Asked, 'ifMatch' | 'signal'> {
  readonly message: string;
  readonly severity: 'medium' | 'high';
  /** What this change overrides, or puts in force again that was overridden. */
  readonly override: Publication['override'];
  prepare(): Promise<PreparedPublication> | PreparedPublication;
}

/** Nothing is put in force for a caller that has gone, whatever gates said. Throws ApiProblem. */
function refuseGone(signal: AbortSignal): void {
  if (signal.aborted) throw problem(409, 'called-off', 'nothing was published: whoever asked has gone');
}

/** Commits what `prepare` gives, unless it would strand the last administrator; an override is an event of high severity. */
async function commit(services: ApiServices, caller: Caller, publishing: Publishing) {
  const { message, severity, ifMatch, signal, override, prepare } = publishing;
  await change(services, caller, {
    activity: 'update',
    message,
    severity,
    entity: { type: 'publication', uid: 'current' },
    prepare: async () => {
      // Tests and proofs took their time, in which the right may have gone. The operator's was looked at by the route: theirs is a way back.
      if (!caller.isOperator) {
        const asked = { noun: 'policy', action: 'write', method: 'POST', path: '/api/v1/policies' } as const;
        await authoriseAlso(services, caller, { ...asked, words: 'publish policies any more' });
      }
      checkRevision(ifMatch, services.facts.standing('publication', 'current')?.revision ?? 0);
      const before = services.facts.get('publication', 'current');
      try {
        const { body, compiled, expectedRevision } = await prepare();
        await refuseToStrand(services, { policies: compiled });
        refuseGone(signal);
        const writes = [{ kind: 'publication', id: 'current', body, expectedRevision }] as const;
        const comment =
          override !== null
            ? `${override.gates.join(' and ')} failed; overridden: ${override.reason}`
            : body.states.length === 0
              ? 'every policy is enforced'
              : describeChanges(body.states);
        const moved = changedCheckFiles(before, body);
        const told =
          override !== null ? ({ severity: 'high', message: `${message}, although gates were closed` } as const) : {};
        if (moved.length === 0) return { writes, event: { comment, ...told } };
        const words = `${comment}; changed or left out: ${moved.join(', ')}`.slice(0, commentMax);
        return {
          writes,
          event: {
            message: `${message}, with other invariants or fewer tests`,
            ...told,
            severity: 'high',
            comment: words,
          },
        };
      } catch (error) {
        throw told(error);
      }
    },
  });
  return answerOf(services, { isNew: true });
}

const commentMax = 1_000;

/**
 * Files of invariants that are not as they were, and of tests that are gone. What they said may stand elsewhere (else a gate is closed), but
 * whoever moves it does not do so in silence.
 */
function changedCheckFiles(before: Publication | undefined, { tests, invariants }: Publication): string[] {
  const keptTests = new Set(tests.map(({ file }) => file));
  const keptInvariants = new Map(invariants.map(({ file, text }) => [file, text]));
  return [
    ...(before?.invariants ?? []).filter(({ file, text }) => keptInvariants.get(file) !== text),
    ...(before?.tests ?? []).filter(({ file }) => !keptTests.has(file)),
  ].map(({ file }) => `\`${file}\``);
}

/** Throws ApiProblem 403 unless the caller may put in force what does not pass its gates. */
async function authoriseOverride(services: ApiServices, caller: Caller, path: string): Promise<void> {
  const asked = { noun: 'policy-override', action: 'write', method: 'POST', path } as const;
  await authoriseAlso(services, caller, { ...asked, words: 'publish policies that do not pass their gates' });
}

/** A stage that names nothing would put a policy in force for nobody, and a guard out of force. Throws ApiProblem. */
function refuseStrayStages(services: ApiServices, changes: readonly StateChange[]): void {
  for (const each of changes) {
    if (each.state !== 'staged' || 'percent' in each.stage) continue;
    const kind = 'segments' in each.stage ? 'segment' : 'group';
    const names = 'segments' in each.stage ? each.stage.segments : each.stage.groups;
    // Everyone enrolled is in this one, which no fact says.
    const stray = names.find((name) => name !== 'everyone' && services.facts.get(kind, name) === undefined);
    if (stray === undefined) continue;
    const words = `there is no ${kind} \`${stray}\`, so \`${each.id}\` would be in force for nobody`;
    throw missingName({ kind, id: stray }, [400, 'unknown-stage', words]);
  }
}

/** What every call that puts policies in force comes with. */
interface Asked {
  readonly ifMatch: number | undefined;
  readonly onProgress: (progress: GateProgress) => void;
  /** Aborted when the caller goes away: what is not in force by then is called off. */
  readonly signal: AbortSignal;
}

/** Publishes a policy set. */
export async function publish(
  services: ApiServices,
  caller: Caller,
  { wanted, ifMatch, ...watch }: Asked & { wanted: WantedPublication },
) {
  refuseOwned(services);
  if (wanted.override !== undefined) await authoriseOverride(services, caller, '/api/v1/policies/publish');
  checkRevision(ifMatch, services.facts.standing('publication', 'current')?.revision ?? 0);
  refuseStrayStages(services, wanted.states ?? []);
  if (isUnchanged(services, wanted)) return unchanged(services, ifMatch);
  // Not in the queue of changes: tests and proofs take their time.
  const examined = await examine(services, { ...wanted, author: formatUid(caller.uid), ...watch });
  const answer = await commit(services, caller, {
    message: 'published policies',
    severity: 'medium',
    ifMatch,
    signal: watch.signal,
    override: examined.override,
    prepare: () => {
      if (services.facts.get('publication', 'current')?.sequence !== examined.sequence) throw publishedMeanwhile();
      return prepareExamined(services, examined);
    },
  });
  const warnings = viewProblems(services, caller, { problems: examined.warnings, named: examined.named });
  return { ...answer, body: { ...answer.body, warnings: warnings.slice(0, problemsMax) } };
}

/** Does this publish what is in force already, with the states that it has? */
function isUnchanged(services: ApiServices, wanted: WantedPublication): boolean {
  const current = services.facts.get('publication', 'current');
  if (current === undefined) return false;
  const standing = new Map(current.states.map((each) => [each.id, canonicalJson(each)]));
  const known = services.policies()?.compiled.policies;
  const isKept = (each: StateChange) =>
    each.state === 'enforced'
      ? known?.has(each.id) === true && !standing.has(each.id)
      : standing.get(each.id) === canonicalJson(each);
  const { schema, policies, tests, invariants, isCommitNews, states = [] } = wanted;
  const git = isCommitNews ? wanted.git : undefined;
  // What is left out stays as it is.
  const given = Object.entries({ tests, invariants, git }).filter(([, value]) => value !== undefined);
  return states.every(isKept) && isInForce(services, { ...current, schema, policies, ...Object.fromEntries(given) });
}

/** Nobody waits for proofs of what would strand the last administrator anyway. What counts is the answer in commit(), by the facts of then. */
async function refuseEarly(services: ApiServices, policies: PublishedPolicies): Promise<void> {
  await refuseToStrand(services, { policies });
}

async function examine(
  services: ApiServices,
  request: PublicationRequest & Omit<Asked, 'ifMatch'>,
): Promise<ExaminedPublication> {
  try {
    return await examinePublication(services, { ...request, refuse: (policies) => refuseEarly(services, policies) });
  } catch (error) {
    throw told(error);
  }
}

/** The publication in force with other states. Throws ApiProblem, UnknownPolicyError. */
async function withStates(services: ApiServices, changes: readonly StateChange[]) {
  const earlier = services.facts.get('publication', 'current');
  if (earlier === undefined) throw problem(409, 'nothing-published', 'nothing is published yet');
  const verified = await verifiedPublication(services, earlier);
  const { parsed, schema, policies } = verified;
  return { earlier: verified, states: statesAfter(verified.states, { changes, parsed, schema, policies }) };
}

/** Gives policies other states; the texts stay as they were signed. What was a guard may be none afterwards, so invariants must hold. */
export async function changeStates(
  services: ApiServices,
  caller: Caller,
  { changes, message, ifMatch, ...watch }: Asked & { changes: readonly StateChange[]; message: string },
) {
  const author = formatUid(caller.uid);
  refuseStrayStages(services, changes);
  // Not in the queue of changes: proofs take their time.
  const { earlier: examined, states: wanted } = await examineStates(services, { changes, ...watch });
  if (isInForce(services, { ...examined, states: wanted })) return unchanged(services, ifMatch);
  return commit(services, caller, {
    message: 'changed the states of policies',
    severity: 'medium',
    ifMatch,
    signal: watch.signal,
    override: null,
    prepare: async () => {
      const { earlier, states } = await withStates(services, changes);
      if (earlier.sequence !== examined.sequence) throw publishedMeanwhile();
      return prepareAgain(services, { earlier, states, override: stillOverridden(earlier), author, message });
    },
  });
}

/**
 * What is overridden still when the texts of a publication are in force again: its invariants were proved anew, and what it dropped was compared
 * with today, but its tests were not run. Who overrode that, and why, stays with it: it never passed that gate.
 */
function stillOverridden({ override }: Publication): Publication['override'] {
  return override?.gates.includes('tests') === true ? { ...override, gates: ['tests'] } : null;
}

/** The publication in force and its states after these changes, under which its invariants hold. */
async function examineStates(
  services: ApiServices,
  { changes, ...watch }: Omit<Asked, 'ifMatch'> & { changes: readonly StateChange[] },
) {
  try {
    const { earlier, states } = await withStates(services, changes);
    await refuseEarly(services, compilePublication({ ...earlier, states }));
    const check = services.checkInvariants;
    const failed = await failedGates({ ...earlier, tested: undefined, dropped: [], check, states, ...watch });
    if (failed.length > 0) throw new GateError(failed);
    return { earlier, states };
  } catch (error) {
    throw told(error);
  }
}

interface RollbackRequest extends Asked {
  /** The one before unless told. */
  readonly sequence: number | undefined;
  readonly message: string | undefined;
  readonly override: string | undefined;
}

/**
 * Puts an earlier publication in force again, with the states it had. The invariants of today stay, and must hold of it: what must be so
 * however policies change is not undone by going back. Nor are tests of today dropped, nor actions taken out of groups, as by a publication. By an
 * override it comes back with what it had.
 */
export async function rollback(
  services: ApiServices,
  caller: Caller,
  { sequence, message, override: reason, ifMatch, ...watch }: RollbackRequest,
) {
  refuseOwned(services);
  const today = services.facts.get('publication', 'current');
  const found = await earlierPublication(services, sequence);
  // It never passed its gates, or shall not. The operator's way back must not depend on policy.
  if ((found.override !== null || reason !== undefined) && !caller.isOperator)
    await authoriseOverride(services, caller, '/api/v1/policies/rollback');
  const earlier = await verifiedPublication(services, found);
  // What the signer did not sign guards nothing, and is not signed now.
  const guarding = services.policies() === null ? undefined : today?.invariants;
  const isAllButInvariants = isInForce(services, { ...earlier, invariants: guarding ?? earlier.invariants });
  if (isAllButInvariants && (reason === undefined || isInForce(services, earlier))) return unchanged(services, ifMatch);
  // Where nothing else is to come back, an override is about the invariants.
  const invariants = isAllButInvariants ? earlier.invariants : (guarding ?? earlier.invariants);
  const restored = { ...earlier, invariants };
  await refuseEarly(services, compilePublication(restored));
  // Not in the queue of changes: proofs take their time.
  const dropped = guarding === undefined || today === undefined ? [] : await droppedBy(services, { today, restored });
  const failed = await failedGates({
    ...restored,
    ...{ tested: undefined, dropped, check: services.checkInvariants, ...watch },
  });
  if (failed.length > 0 && reason === undefined) throw told(new GateError(failed));
  const overridden = overrideOf(failed, reason);
  const override = overridden ?? stillOverridden(earlier);
  return commit(services, caller, {
    message: 'rolled the policies back',
    severity: 'high',
    ifMatch,
    signal: watch.signal,
    override,
    prepare: () => {
      if (services.facts.get('publication', 'current')?.sequence !== today?.sequence) throw publishedMeanwhile();
      return prepareAgain(services, {
        earlier,
        states: earlier.states,
        invariants: overridden === null ? invariants : earlier.invariants,
        override,
        author: formatUid(caller.uid),
        message: message ?? `back to publication ${earlier.sequence}`,
      });
    },
  });
}

/** What guards the policies of today and would not those of then. Who cannot be told does not get through, but by an override. */
async function droppedBy(
  { parser }: ApiServices,
  { today, restored }: { today: Publication; restored: Publication },
): Promise<readonly string[]> {
  const checksOf = ({ schema, tests, invariants }: Publication) => ({ schema, tests, invariants });
  try {
    return await parser.compare({ before: checksOf(today), after: checksOf(restored) });
  } catch (error) {
    if (!(error instanceof PolicyParserError)) throw error;
    return [`what it would drop could not be told: ${error.message}`];
  }
}

const publishedMeanwhile = () => problem(409, 'conflict', 'somebody else published meanwhile; look again, then repeat');

/** The publication of this number. Throws ApiProblem. */
export async function publicationOf(services: ApiServices, sequence: number) {
  const all = await publications(services);
  const found = all.find(({ body }) => body.sequence === sequence);
  if (found !== undefined) return found;
  const [oldest, newest] = [all.at(-1)?.body.sequence, all[0]?.body.sequence];
  const known = oldest === newest ? `the only one is \`${newest}\`` : `they go from \`${oldest}\` to \`${newest}\``;
  const words = newest === undefined ? 'nothing is published yet' : known;
  throw problem(404, 'not-found', `there is no publication \`${sequence}\`; ${words}`);
}

/** The publication of this number, or the one before that in force. Throws ApiProblem. */
async function earlierPublication(services: ApiServices, sequence: number | undefined): Promise<Publication> {
  if (sequence !== undefined) return (await publicationOf(services, sequence)).body;
  const [, before] = await publications(services);
  if (before !== undefined) return before.body;
  throw problem(409, 'no-earlier', 'there is no earlier publication to go back to');
}

/**
 * A publication from the store with the parsed form that the signer signed. One of an earlier version, which has none, is parsed; both only
 * when the manifest is the signer's: signing what lies in the store would make good whatever somebody did to it there.
 */
async function verifiedPublication(
  services: ApiServices,
  publication: Publication,
): Promise<Publication & { readonly parsed: string }> {
  const { statement: keys } = await services.signerKeys.list();
  const { schema, policies, parsed } = publication;
  try {
    if (parsed !== null) {
      verifyPublication(publication, keys);
      return { ...publication, parsed };
    }
    const { parsedForm } = await services.parser.prepare({ schema, policies });
    const known = { ...publication, parsed: parsedForm ?? null };
    const { compiled } = compilePublication(known);
    if (parsedForm !== undefined && isPublicationSigned(publication, { keys, described: compiled }))
      return { ...publication, parsed: parsedForm };
  } catch {
    // Not authentic, or it does not compile: told below.
  }
  throw problem(
    409,
    'not-authentic',
    `publication ${publication.sequence} is not what the signer signed: it was changed in the store, or its keys are gone; publish its policies from their files`,
  );
}
