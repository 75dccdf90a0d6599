import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JournalEvent } from '#foundation/model';
import type { ExternalProviderConfig } from '#information/identity';
import { type JournalClient, noteVerifier, startJournal } from '#shell/journal';
import { connectSigner, type SignerClient } from '#shell/signer-client';
import { followStore, type LiveFacts, openStore, type Store } from '#shell/store';
import type { ControlHandoff } from '#shell/wire';
import { type Config, formatProblem, loadConfig, readSecret, storeUrl } from '../config/index.ts';
import type { ApiServices } from './api/services.ts';
import { applyConfig, recordRefusal } from './apply-config.ts';
import { type CertificateCalls, createCertificateCalls } from './certificates/issue-certificates.ts';
import { ConfigFollower, policiesFolder } from './config-follower.ts';
import { ConfigInForce } from './config-in-force.ts';
import { inviteFirstAdministrator } from './first-administrator.ts';
import { FollowServer } from './follow.ts';
import { gateOfInvariants } from './gates.ts';
import { GatewayReports } from './gateway-reports.ts';
import { Enrolment } from './gateways/enrol.ts';
import { JournalCopies } from './gateways/journal-copies.ts';
import { startIdentity } from './identity/index.ts';
import { createIdentityService } from './identity-service.ts';
import { createJournalReader } from './journal-reader.ts';
import { Outbox } from './outbox.ts';
import { followPolicies } from './policies-in-force.ts';
import { createPolicyParser } from './policy-parser/policy-parser.ts';
import { ProofMemory } from './proofs/proof-memory.ts';
import { Proofs } from './proofs/proofs.ts';
import { serveSockets } from './serve-sockets.ts';
import { tellTrouble } from './tell-trouble.ts';
import { TokenKeys } from './token-keys.ts';

/** Why control cannot start, in words for people. */
export class ControlStartError extends Error {
  override readonly name = 'ControlStartError';
}

export interface RunningControl {
  stop(): Promise<void>;
}

export interface ControlSurroundings {
  readonly clock: () => number;
  readonly version: string;
  /** One line for the operator's stderr. */
  readonly notice: (line: string) => void;
  /** Ends the process: only a new start can mend what failed. */
  readonly fail: (words: string) => void;
}

const pagesFolder = fileURLToPath(new URL('../../../console/dist', import.meta.url));
const pruneMs = 6 * 3_600_000;
const dayMs = 24 * 3_600_000;

/** Opens everything in order and serves. What is opened last is closed first. */
export async function startControl(
  handoff: ControlHandoff,
  surroundings: ControlSurroundings,
): Promise<RunningControl> {
  const closers: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  try {
    await start(handoff, { ...surroundings, onClose: (close) => closers.push(close) });
    return { stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Starting = ControlSurroundings & { readonly onClose: (close: () => Promise<void> | void) => void };

async function start(handoff: ControlHandoff, at: Starting): Promise<void> {
  const { clock, notice, onClose } = at;
  const onError = tellTrouble(notice, clock);
  const inForce = new ConfigInForce(handoff.dataDirectory);
  const earlier = inForce.read();
  const { config, file } = readConfig(handoff, earlier);
  const signer = connectSigner({ socketPath: handoff.sockets.signer, token: handoff.signerToken });
  onClose(() => signer.close());
  const store = await openOurStore(handoff, { config, file, signer, clock });
  onClose(() => store.close());
  const onRecovered = () => notice('control: the store answers again');
  const live = await followStore(store, { clock, onError, onRecovered });
  onClose(() => live.close());
  const keys = await signer.call('keys', {});
  const tokenKeys = new TokenKeys(keys, { signer, onError });
  onClose(() => tokenKeys.close());

  const policies = followPolicies(live.table, { keys: keys.statement, onProblem: onError });
  const parser = createPolicyParser({ dataDirectory: handoff.dataDirectory });
  onClose(() => parser.close());
  const draftParser = createPolicyParser({ dataDirectory: handoff.dataDirectory });
  onClose(() => draftParser.close());
  const proofs = new Proofs(new ProofMemory(join(handoff.dataDirectory, 'cache', 'control', 'proofs.json'), onError));
  const signPublication = async (statement: object) =>
    (await signer.call('sign-statement', { purpose: 'publication', statement: { ...statement } })).jws;
  const applying = {
    store,
    live,
    clock,
    random: (count: number) => randomBytes(count),
    signPublication,
    checkInvariants: gateOfInvariants(proofs),
    parser,
    policies,
    statementKeys: keys.statement,
    webSocketPath: handoff.sockets.web,
    notice,
  };
  const isLeftOver = (await store.outboxPending({ limit: 1 })).length > 0;
  // Facts first: the journal cannot open without the keys that are among them.
  if (earlier === undefined) await applyConfig(applying, { config, policiesFolder: policiesFolder(file, config) });
  inForce.keep(config);

  const journal = await openJournal(handoff, { config, live, signer, at });
  onClose(() => journal.close());
  const outbox = new Outbox({
    store,
    refresh: () => live.refresh(),
    append: (event, options) => journal.append(event, options),
    has: (id) => journal.has(id),
  });
  const replayed = await outbox.replay();
  if (isLeftOver && replayed > 0)
    notice(`control: administrative events that a stop had left were brought into the journal: ${replayed}`);
  const emit = (event: JournalEvent) => journal.append(event, { isReserved: true });
  const journalDirectory = join(handoff.dataDirectory, 'journal');
  const reader = createJournalReader({ directory: journalDirectory, facts: live.table, onError });
  onClose(() => reader.close());

  const identity = await startIdentity({
    store,
    facts: live,
    urls: handoff.urls,
    clock,
    tokenKeys: tokenKeys.jwks.keys,
    signToken: (request) => signer.call('sign-token', request),
    signAssertions: (request) => signer.call('sign-assertions', request),
    // Strangers cause these: no right to the space kept for administrators.
    emit: (event) => journal.append(event),
    session: { lifetimeMs: config.session.lifetime, idleMs: config.session.idle },
    externalProviders: externalProviders(config, file),
    pagesFolder,
    onError,
  });
  onClose(() => identity.stop());
  tokenKeys.onChange(({ token }) => identity.useTokenKeys(token));

  const follow = new FollowServer({
    store,
    live,
    leaseMs: () => follower.config.lease,
    signSnapshot: async (statement) =>
      (await signer.call('sign-statement', { purpose: 'snapshot', statement: { ...statement } })).jws,
    onError,
  });
  const reports = new GatewayReports({
    clock,
    following: () => follow.names,
    head: () => live.table.revision,
  });
  const follower = new ConfigFollower(
    {
      file,
      overrides: handoff.overrides,
      clock,
      apply: async (next, source) => applyConfig(applying, { config: next, ...source, services }),
      onRefused: async (words) => {
        notice(`the configuration changed, but is not taken: ${words}; what ran before goes on`);
        const message = `a changed configuration was refused: ${words}`;
        await emit(recordRefusal({ ...applying, facts: live.table }, message)).catch(onError);
      },
      onApplied: (words, now) => {
        inForce.keep(now);
        notice(words);
      },
    },
    { started: config, isRestart: earlier !== undefined },
  );
  onClose(() => follower.stop());
  const services: ApiServices = {
    clock,
    random: (count) => randomBytes(count),
    version: at.version,
    urls: handoff.urls,
    facts: live.table,
    store,
    reach: (revision) => live.reach(revision),
    policies,
    parser,
    draftParser,
    serially: createQueue(),
    deliverOutbox: () => outbox.deliver(),
    // Not the space kept for administrators: failed sign-ins are strangers' doing.
    emit: (event, options) => journal.append(event, options),
    events: reader,
    journalDirectory,
    identity: createIdentityService(identity, { live, store }),
    signPublication,
    proofs,
    checkInvariants: gateOfInvariants(proofs),
    rewrapDataKey: async (purpose, wrapped) => (await signer.call('data-key/rewrap', { purpose, wrapped })).wrapped,
    signerKeys: { list: () => tokenKeys.refresh(), rotate: (request) => tokenKeys.rotate(request) },
    configStatus: () => follower.status,
    gateways: () => reports.states(),
    receivedJournal: (gateway) => journals.received(gateway) ?? null,
    peers: {
      listen: handoff.gatewaysListen,
      caHash: async () => caHashOf((await signer.call('keys', {})).peerCaPem),
    },
    processes: () => [
      {
        name: 'control',
        state: 'up',
        detail: journal.failure === undefined ? null : `journal: ${journal.failure.message}`,
      },
      { name: 'gateways', state: follow.followers > 0 ? 'up' : 'down', detail: `${follow.followers} following` },
    ],
  };

  const journals = new JournalCopies({
    directory: journalDirectory,
    verifyNote: noteVerifier(keys.statement),
    clock,
    monotonicClock: () => performance.now(),
    retentionMs: config.journal.retentionDays * dayMs,
    bytesMax: config.journal.gatewayBytes,
    freeBytesMin: copiesFreeBytesMin,
    notice: (line) => notice(`control: ${line}`),
    onTrouble: (words) => void journal.append(recordRefusal({ ...applying, facts: live.table }, words)).catch(onError),
  });
  onClose(() => journals.close());
  onClose(
    await serveSockets({
      certificates: certificateCalls(config, { file, signer, store }),
      handoff,
      services,
      identity,
      follow,
      reports,
      enrolment: new Enrolment({ services, signer }),
      journals,
      signer,
      tokenKeys,
      pagesFolder,
      onError,
    }),
  );
  await outbox.deliver();
  follower.start();
  const sweep = setInterval(() => void outbox.deliver().catch(onError), 1000);
  const prune = setInterval(
    () => void store.prune(clock() - config.journal.retentionDays * dayMs).catch(onError),
    pruneMs,
  );
  onClose(() => {
    clearInterval(sweep);
    clearInterval(prune);
  });
  await inviteFirstAdministrator({ facts: live.table, core: identity.core, notice });
}

/** `earlier`: what a control process of this run worked with. Then the file is looked at once we run, as any change of it. */
function readConfig(handoff: ControlHandoff, earlier: Config | undefined): { config: Config; file: string | null } {
  if (earlier !== undefined) return { config: earlier, file: handoff.configFile };
  const loaded = loadConfig({ file: handoff.configFile, overrides: handoff.overrides });
  if (loaded.ok) return { config: loaded.config, file: loaded.file };
  throw new ControlStartError(loaded.problems.map(formatProblem).join('\n'));
}

interface Opened {
  readonly config: Config;
  readonly file: string | null;
  readonly signer: SignerClient;
  readonly clock: () => number;
}

function openOurStore(handoff: ControlHandoff, { config, file, signer, clock }: Opened): Promise<Store> {
  const dataKeys = {
    createDataKey: (purpose: string) => signer.call('data-key/create', { purpose }),
    unwrapDataKey: (purpose: string, wrapped: string) => signer.call('data-key/unwrap', { purpose, wrapped }),
  };
  const common = { clock, dataKeys, writer: 'control' };
  const url = storeUrl(config.store, file);
  if (url === undefined) {
    return openStore({
      ...common,
      path: join(handoff.dataDirectory, 'store', 'nullius.sqlite'),
      releaseSpace: () => releaseReserve(join(handoff.dataDirectory, 'reserve')),
    });
  }
  return openStore({ ...common, url });
}

/** What the journals of other machines leave free here. */
const copiesFreeBytesMin = 512 * 1024 * 1024;
/** The space that is kept for administrators, so that they can act on a full disk; the journal takes it back within a minute of room for it. */
function releaseReserve(path: string): boolean {
  if (!existsSync(path)) return false;
  rmSync(path);
  return true;
}

function openJournal(
  handoff: ControlHandoff,
  { config, live, signer, at }: { config: Config; live: LiveFacts; signer: SignerClient; at: Starting },
): Promise<JournalClient> {
  return startJournal({
    directory: join(handoff.dataDirectory, 'journal', 'control'),
    writer: 'control',
    sync: config.journal.sync,
    retentionMs: config.journal.retentionDays * dayMs,
    keyOf: (subject) => live.table.get('journal-key', subject)?.key,
    signCheckpoint: async (statement) =>
      (await signer.call('sign-statement', { purpose: 'checkpoint', statement: { ...statement } })).jws,
    onNotice: (words) => at.notice(`control: ${words}`),
    onFailure: (error) => at.fail(error.message),
    reservePath: join(handoff.dataDirectory, 'reserve'),
  });
}

function certificateCalls(
  config: Config,
  { file, signer, store }: { file: string | null; signer: SignerClient; store: Store },
): CertificateCalls {
  const { acme } = config.tls;
  return createCertificateCalls({
    signer,
    acme:
      acme === undefined
        ? null
        : {
            directory: acme.directory,
            email: acme.email,
            directoryCaPem: acme.caFile === undefined ? null : readSecret(file, acme.caFile),
            // The plain listener is loopback's: it answers where something in front passes port 80 on.
            challengeTypes: ['tls-alpn-01', 'http-01'],
          },
    secrets: { open: (name) => store.openSecret(name), seal: (name, bytes) => store.sealSecret(name, bytes) },
  });
}

function externalProviders(config: Config, file: string | null): ExternalProviderConfig[] {
  return config.identity.providers.map((provider) => ({
    name: provider.name,
    displayName: provider.displayName ?? provider.name,
    issuer: provider.issuer,
    clientId: provider.clientId,
    clientSecret: provider.clientSecret === undefined ? null : readSecret(file, provider.clientSecret.file),
    scopes: provider.scopes,
    groupsClaim: provider.groupsClaim ?? null,
    groups: provider.groups,
    createUsers: provider.createUsers,
    phishingResistantAmr: provider.phishingResistantAmr,
  }));
}

/** Runs one piece of work after the other, whatever becomes of each. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
}

/** SHA-256 (base64url) of a certificate: what an enrolment token carries. */
function caHashOf(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url');
}
