import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JWK } from 'jose';
import { compilePublication, type PublishedPolicies } from '#decision/administration';
import { type Problem, problemWords } from '#decision/engine';
// Types alone: the room itself is loaded by the parsing process.
import type { NamedEntity } from '#decision/parser';
import { applicationLifecycle, type EventStamp } from '#evidence/log';
import { canonicalJson, toIdentifier } from '#foundation/encoding';
import type { GitOrigin, JournalEvent, Publication, RandomBytes } from '#foundation/model';
import type { FactTable } from '#information/inventory';
import { isPublicationSigned } from '#shell/replica';
import { type Config, readGitOrigin, readPolicyFolder } from '../config/index.ts';
import type { FactWrite, LiveFacts, Store } from '../store/index.ts';
import { refuseToStrand } from './api/administrators.ts';
import type { ApiServices } from './api/services.ts';
import { builtinFacts } from './builtin-facts.ts';
import { changedWrites } from './changed-writes.ts';
import { configFacts, inCommits } from './config-facts.ts';
import type { PoliciesFolder } from './config-follower.ts';
import { missingEntities, missingMax } from './missing-entities.ts';
import { examinePublication, type PublicationNeeds, prepareExamined, preparePublication } from './publish.ts';

/** The policies that come with the program. */
const shippedPolicies = fileURLToPath(new URL('../../../policies', import.meta.url));

export interface ApplyNeeds {
  readonly store: Store;
  readonly live: LiveFacts;
  readonly clock: () => number;
  readonly random: RandomBytes;
  readonly signPublication: PublicationNeeds['signPublication'];
  readonly parser: PublicationNeeds['parser'];
  readonly checkInvariants?: PublicationNeeds['checkInvariants'];
  /** What is in force; null while nothing is that the signer signed and that compiles. */
  readonly policies: () => PublishedPolicies | null;
  /** The signer's public keys for statements. */
  readonly statementKeys: readonly JWK[];
  readonly webSocketPath: string;
  /** One line for the operator's stderr. */
  readonly notice: (line: string) => void;
}

export interface ApplyOptions {
  readonly config: Config;
  /** The folder that the configuration names, or null. */
  readonly policiesFolder: PoliciesFolder | null;
  /** While running: so that a new policies folder cannot strand the last administrator. */
  readonly services?: ApiServices;
}

/**
 * Makes facts what the configuration says, in one commit with its event (see inCommits): what it has is written, what it no longer has is removed,
 * policies of its folder are published. The very first start publishes the shipped ones. Throws an Error with words for people, and
 * then nothing changed.
 */
export async function applyConfig(needs: ApplyNeeds, options: ApplyOptions): Promise<void> {
  const serially = options.services?.serially ?? (<T>(work: () => Promise<T>) => work());
  await serially(async () => {
    const facts = needs.live.table;
    const isDemoOn = options.config.demo ?? options.config.resources.length === 0;
    const writes = changedWrites(facts, [
      ...builtinFacts(facts, { webSocketPath: needs.webSocketPath, isDemoOn, random: needs.random }),
      ...configFacts(facts, options.config),
    ]);
    const publication = await publicationOf(needs, options);
    if (publication !== undefined) writes.push(publication.write);
    if (writes.length === 0) return;
    for (const part of inCommits(writes)) {
      const message = `configuration applied: ${part.map((write) => `${write.body === null ? '-' : '+'}${write.kind} ${write.id}`).join(', ')}`;
      const event = applicationLifecycle({
        ...stamp({ ...needs, facts }),
        activity: 'update',
        process: 'control',
        outcome: 'success',
        message,
      });
      const { revision } = await needs.store.commit(part, [event]);
      await needs.live.reach(revision);
    }
    if (publication !== undefined) tellDoubts(needs, { ...publication, folder: options.policiesFolder });
  });
  await options.services?.deliverOutbox();
}

/** What is to be published, and what is doubtful about it. */
interface Wanted {
  readonly write: FactWrite;
  readonly warnings: readonly Problem[];
  readonly named: readonly NamedEntity[];
}

/** Says what is doubtful about policies that are in force by now: who operates the installation may know of every name. */
function tellDoubts(
  { live, notice }: Pick<ApplyNeeds, 'live' | 'notice'>,
  { warnings, named, folder }: Omit<Wanted, 'write'> & { folder: PoliciesFolder | null },
): void {
  const missing = missingEntities(live.table, { named, mayRead: () => true });
  for (const problem of [...warnings, ...missing].filter(({ level }) => level === 'warning').slice(0, missingMax)) {
    const { file = '', line = 1, column = 1 } = problem;
    notice(`control: ${join(folder?.path ?? '', file)}:${line}:${column}: warning: ${problemWords(problem)}`);
  }
}

async function publicationOf(needs: ApplyNeeds, options: ApplyOptions): Promise<Wanted | undefined> {
  const facts = needs.live.table;
  const current = facts.get('publication', 'current');
  if (options.policiesFolder === null && current !== undefined) {
    if (current.parsed !== null) return undefined;
    const write = await broughtForward(needs, current);
    return write && { write, warnings: [], named: [] };
  }
  const folder = readPolicyFolder(options.policiesFolder?.path ?? shippedPolicies);
  const { schema, policies, tests, invariants } = folder;
  const texts = { policies, tests, invariants };
  const wanted = { schema: schema ?? current?.schema ?? readPolicyFolder(shippedPolicies).schema ?? '', ...texts };
  if (
    current !== undefined &&
    // What was tampered with in the store, or comes from an earlier version, is published anew.
    needs.policies() !== null &&
    current.schema === wanted.schema &&
    canonicalJson({ ...texts }) === canonicalJson(pick(current))
  ) {
    return undefined;
  }
  // Those that come with the program hold: its own tests prove them, and the first start need not wait for it.
  const checkInvariants = options.policiesFolder === null ? undefined : needs.checkInvariants;
  const publishing = { ...needs, facts, checkInvariants };
  const examined = await examinePublication(publishing, {
    ...wanted,
    mayDropChecks: true,
    author: 'Workload::"local-operator"',
    ...(await originOf(options.policiesFolder)),
  });
  const prepared = await prepareExamined(publishing, examined);
  if (options.services !== undefined) await refuseToStrand(options.services, { policies: prepared.compiled });
  if (
    options.policiesFolder !== null &&
    JSON.stringify(readPolicyFolder(options.policiesFolder.path)) !== JSON.stringify(folder)
  )
    throw new Error('the policies folder changed while it was read; it is looked at again');
  const { body, expectedRevision } = prepared;
  const { warnings, named } = examined;
  return { write: { kind: 'publication', id: 'current', body, expectedRevision }, warnings, named };
}

/** What the history says of where policies came from. Throws an Error with words for people when Git was to say it and cannot. */
async function originOf(folder: PoliciesFolder | null): Promise<{ message: string; git?: GitOrigin }> {
  if (folder === null) return { message: 'the policies that come with the program' };
  if (folder.git === null) return { message: 'from the folder that the configuration names' };
  const { origin, message } = await readGitOrigin(folder.path, folder.git);
  return { message, git: origin };
}

function pick({ policies, tests, invariants }: Publication) {
  return { policies, tests, invariants };
}

/**
 * A publication of an earlier version, parsed and signed again. Nothing happens when its policies no longer are what people read
 * then: signing what lies in the store would make good whatever somebody did to it there.
 */
async function broughtForward(needs: ApplyNeeds, earlier: Publication): Promise<FactWrite | undefined> {
  const { schema, policies } = earlier;
  const { parsedForm } = await needs.parser.prepare({ schema, policies });
  if (parsedForm === undefined) return undefined;
  const { compiled } = compilePublication({ ...earlier, parsed: parsedForm });
  if (!isPublicationSigned(earlier, { keys: needs.statementKeys, described: compiled })) return undefined;
  const { author, message } = earlier;
  const request = { schema, policies, author, message, mayDropChecks: true };
  // It was in force: no gate may keep it from being so.
  const passing = { ...needs, facts: needs.live.table, checkInvariants: undefined };
  const { body, expectedRevision } = await preparePublication(passing, request);
  return { kind: 'publication', id: 'current', body, expectedRevision };
}

function stamp(needs: {
  readonly random: RandomBytes;
  readonly clock: () => number;
  readonly facts: FactTable;
}): EventStamp {
  return {
    id: toIdentifier(needs.random(16)),
    time: needs.clock(),
    policySequence: needs.facts.get('publication', 'current')?.sequence ?? 0,
    factRevision: needs.facts.revision,
  };
}

/** Something that control does not take, such as a changed configuration. */
export function recordRefusal(
  needs: { readonly random: RandomBytes; readonly clock: () => number; readonly facts: FactTable },
  message: string,
): JournalEvent {
  return applicationLifecycle({
    ...stamp(needs),
    activity: 'update',
    process: 'control',
    outcome: 'failure',
    message,
  });
}
