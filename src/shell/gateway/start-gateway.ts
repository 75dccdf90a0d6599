import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { adviceOf, findRemedies, judge, type LastAnswer, LiveStreams } from '#decision/administration';
import { createSweep, createUpstreams, forwardRequest } from '#enforcement/gateway';
import type { Clock, MonotonicClock, Question, RandomBytes } from '#foundation/model';
import { type JournalClient, startJournal } from '#shell/journal';
import { Replica, type ReplicaError } from '#shell/replica';
import type { GatewayHandoff } from '#shell/wire';
import { certificatesByAcme } from './acme-certificates.ts';
import { Assertions } from './assertions.ts';
import { Bearers } from './bearer.ts';
import { issuedByOurCa, ownCertificate, type ServerCertificates } from './certificates.ts';
import { callWhile, connectControl } from './control-client.ts';
import { linkToControl } from './control-link.ts';
import { CutEvents } from './cut-events.ts';
import { createFreshSoon } from './fresh-soon.ts';
import type { Gate } from './gate.ts';
import { KeptCertificates } from './kept-certificates.ts';
import { keysVersionOf } from './keys-version.ts';
import { openListeners } from './listeners.ts';
import { Metrics } from './metrics.ts';
import { serveOperations } from './operations.ts';
import { makePdp } from './pdp/make-pdp.ts';
import { sharedPageKey } from './pdp/page-key.ts';
import { mutualTlsOrigin, openMutualTlsListener, openPdpListener, pdpOrigin } from './pdp/pdp-listener.ts';
import { PoliciesInForce } from './policies-in-force.ts';
import { pooledIds } from './pooled-ids.ts';
import { questionNow } from './question-of-request.ts';
import { reportState } from './report-state.ts';
import { SeenSessions } from './seen-sessions.ts';
import { startShipping } from './shipping/start-shipping.ts';
import { SignInTurns } from './sign-in-turns.ts';
import { hostOf, reservedHosts, sitesFrom } from './sites.ts';
import { StrangerEvents } from './stranger-events.ts';

const liveSweepMs = 250;
const strangerFlushMs = 5_000;
const firstFactsMsMax = 20_000;

export interface GatewayNeeds {
  readonly version: string;
  readonly clock: Clock;
  readonly monotonicClock: MonotonicClock;
  readonly randomBytes: RandomBytes;
  readonly journalDirectory: string;
  /** What must outlive a restart: the newest epoch and revision seen. */
  readonly privateDirectory: string;
  readonly notice: (line: string) => void;
  /** Ends the process: only a new start can mend what failed. */
  readonly fail: (words: string) => void;
}

/** Builds a gateway from its handoff: follows the facts, opens the journal, then the listeners. Nothing is served before. */
export async function startGateway(
  handoff: GatewayHandoff,
  needs: GatewayNeeds,
): Promise<{ close: () => Promise<void> }> {
  const { clock, monotonicClock, notice } = needs;
  const metrics = new Metrics();
  const link = linkToControl(handoff.control, { clock, notice });
  const control = connectControl(link.address);
  mkdirSync(needs.privateDirectory, { recursive: true, mode: 0o700 });
  const policies = new PoliciesInForce(notice);
  const starting = new StartProblems(notice);
  const replica = await Replica.start({
    control: link.address,
    signerKeys: handoff.signerKeys,
    positionFile: join(needs.privateDirectory, 'position'),
    verifyPublication: (publication, facts) => policies.verify(publication, { signerKeys: handoff.signerKeys, facts }),
    clock,
    monotonicClock,
    onProblem: (problem) => starting.onProblem(problem),
  });
  await starting.until(replica.whenFresh());

  const directory = needs.journalDirectory;
  const journal = await startJournal({
    directory,
    writer: handoff.name,
    sync: handoff.journalSync,
    retentionMs: handoff.journalRetentionMs,
    keyOf: (subject) => replica.table.get('journal-key', subject)?.key,
    keysVersion: keysVersionOf(replica.table),
    signCheckpoint: async (statement) => (await control.call('journal/checkpoint', statement)).note,
    onNotice: notice,
    onFailure: (error) => needs.fail(error.message),
  });
  const shipping = link.isRemote ? startShipping({ directory, send: control.send, notice }) : null;
  const stopRenewing = link.keepFresh(control.call);
  const gate = makeGate(handoff, {
    ...{ needs, metrics, control, replica, journal, policies },
    webSocketPath: link.webSocketPath,
  });
  const certificates = await tlsIdentity(handoff, { gate, needs });
  if (certificates !== null) measureCertificates(metrics, certificates);
  const listeners = await openListeners(gate.gate, {
    listen: handoff.listen,
    certificates,
    tls: handoff.tls,
  });
  const pdpListener = handoff.listen.pdp === null ? null : await openPdpListener(gate.gate, handoff.listen.pdp);
  if (pdpListener !== null) notice(`the PDP answers on http://${handoff.listen.pdp?.host}:${pdpListener.port}`);
  const pdpTls = handoff.listen.pdpTls;
  const mutualTls =
    pdpTls === null || certificates === null
      ? null
      : await openMutualTlsListener(gate.gate, { address: pdpTls, certificates, tls: handoff.tls });
  if (mutualTls !== null) notice(`callers with certificates reach the PDP on port ${mutualTls.port}`);
  let isSettled = false;
  const operations =
    handoff.listen.operations === null
      ? null
      : await serveOperations(handoff.listen.operations, {
          metrics,
          notReadyBecause: () =>
            notReady(replica, journal) ??
            certificates?.problem() ??
            (isSettled ? null : 'certificates are being ordered'),
        });
  // Who watches sees why it takes long.
  await certificates?.settled();
  isSettled = true;
  return {
    close: async () => {
      stopRenewing();
      operations?.close();
      await Promise.all([listeners.close(), pdpListener?.close(), mutualTls?.close()]);
      await certificates?.close();
      await gate.close();
      await journal.close();
      await shipping?.close();
      await replica.close();
      control.close();
    },
  };
}

/** For alarms: `NaN` is said of the first end where there is no certificate at all. */
function measureCertificates(metrics: Metrics, { standing }: ServerCertificates): void {
  metrics.gauge('nullius_certificate_first_end_seconds', () => Math.floor((standing().firstEnd ?? Number.NaN) / 1000));
  metrics.gauge('nullius_certificates_missing', () => standing().missing);
}

interface Parts {
  readonly needs: GatewayNeeds;
  readonly metrics: Metrics;
  readonly control: ReturnType<typeof connectControl>;
  readonly replica: Replica;
  readonly journal: JournalClient;
  readonly policies: PoliciesInForce;
  readonly webSocketPath: string | null;
}

/** Wires rooms together: what judges, what remembers running exchanges, and what follows a change of facts. */
function makeGate(handoff: GatewayHandoff, parts: Parts) {
  const { needs, metrics, control, replica, journal, policies } = parts;
  const { clock, monotonicClock } = needs;
  const facts = replica.table;
  const siteOptions = { urls: handoff.urls, webSocketPath: parts.webSocketPath };
  let sites = sitesFrom(facts, siteOptions);
  policies.refresh(facts);

  const judgeNow = (question: Question, now: number, last?: LastAnswer) =>
    judge({ view: facts, policies: policies.current, question, now }, last);
  const bearers = new Bearers(facts);
  const onFault = (error: unknown) => needs.notice(`a request failed closed: ${String(error)}`);
  const live = new LiveStreams({
    clock,
    monotonicClock,
    judge: (stream, now) => judgeNow(questionNow(sites, stream), now),
    readsNamed: () => (policies.current?.compiled.named.length ?? 0) > 0,
    yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    onFault,
  });
  const newId = pooledIds(needs.randomBytes);
  const cuts = new CutEvents({
    clock,
    newId,
    facts,
    record: (event) => journal.append(event),
    onLost: (count, error) => {
      metrics.count('nullius_cut_events_lost_total', count);
      if (error !== null) needs.notice(`the end of ${count} running exchanges is not in the journal: ${String(error)}`);
    },
  });
  const strangers = new StrangerEvents({
    clock,
    randomBytes: needs.randomBytes,
    at: () => ({ policySequence: policies.current?.sequence ?? 0, factRevision: facts.revision }),
    record: (event) => journal.append(event),
    onFault: (error) => needs.notice(`strangers' requests are counted but not yet in the journal: ${String(error)}`),
  });
  const isControlThere = createFreshSoon(replica);
  const call = callWhile(isControlThere, control.call);
  const seen = new SeenSessions(call, clock);
  const assertions = new Assertions(call, clock);
  const sweep = createSweep(monotonicClock);
  const ownListeners = Object.values(handoff.listen).filter((address) => address !== null);
  const upstreams = createUpstreams({ ownListeners: () => ownListeners });

  const onSites = new Set<() => void>();
  /** Certificates are had after the gate is made, because they are asked for through it. */
  const acme: { answer: ServerCertificates['httpAnswer'] } = { answer: undefined };
  facts.onChange((changes) => {
    bearers.forget(changes);
    if (changes.some(({ kind }) => kind === 'resource' || kind === 'segment')) {
      sites = sitesFrom(facts, siteOptions);
      for (const listener of onSites) listener();
    }
    if (changes.some(({ kind }) => kind === 'publication')) policies.refresh(facts);
    void live.onFactsChanged(
      changes.map(({ kind, id, before, after }) => ({ kind, id, before: before?.body, after: after?.body })),
    );
  });
  replica.onState(({ state }) => {
    if (state === 'lease-ended') live.cutAll(['The gateway lost touch with its control process.']);
    else if (state === 'cut-off')
      live.cutWhere(({ question }) => isHigh(question.request.host), ['Control cannot be reached.']);
  });
  const isHigh = (host: string) => sites.get(host)?.sensitivity === 'high';
  const timers = [
    setInterval(() => void live.sweep(), liveSweepMs),
    setInterval(() => void strangers.flush(), strangerFlushMs),
  ];
  for (const timer of timers) timer.unref();
  metrics.gauge('nullius_live_streams', () => live.size);
  metrics.gauge('nullius_fact_revision', () => facts.revision);

  const pdp = makePdp({
    facts,
    policies: () => policies.current,
    judge: judgeNow,
    urls: handoff.urls,
    pageKey: sharedPageKey(call, needs.randomBytes),
  });
  const pdpAt = handoff.listen.pdp;
  const pdpUrl = pdpAt === null ? null : pdpOrigin(pdpAt);
  const mutualTlsUrl = handoff.listen.pdpTls === null ? null : mutualTlsOrigin({ pdp }, handoff.listen.pdpTls.port);
  const reporting = reportState(call, {
    version: needs.version,
    facts,
    open: () => live.countByApp(),
    pdp: () => ({ url: pdpUrl, mutualTlsUrl, lastUse: pdp.callers.lastUse }),
    onTokenKeys: (keyIds) => assertions.keepSignedBy(keyIds),
  });
  const gate: Gate = {
    clock,
    newId,
    urls: handoff.urls,
    facts,
    bearers,
    sites: () => sites,
    isFreshFor: (sensitivity) => replica.isFreshFor(sensitivity),
    isControlThere,
    judge: judgeNow,
    remedies: (question, now) => findRemedies({ view: facts, policies: policies.current, question, now }),
    advice: (verdict) => adviceOf(policies.current, verdict),
    record: (event, options) => journal.append(event, options),
    isJournalTaking: () => journal.isTaking,
    countStranger: (request) => strangers.note(request),
    live,
    cuts,
    call,
    signInTurns: new SignInTurns(),
    pdp,
    assertions,
    seen,
    upstreams,
    forward: forwardRequest,
    sweep,
    acmeAnswer: (host, token) => acme.answer?.(host, token),
    metrics,
    onFault,
  };
  const close = async () => {
    for (const timer of timers) clearInterval(timer);
    sweep.stop();
    reporting.close();
    await strangers.flush();
    await cuts.flush();
    await seen.close();
    await upstreams.close();
  };
  return { gate, close, onSites, acme };
}

type MadeGate = ReturnType<typeof makeGate>;

/** Where the TLS certificates come from: the operator, a public CA, or our own. */
async function tlsIdentity(
  handoff: GatewayHandoff,
  { gate: { gate, onSites, acme }, needs }: { gate: MadeGate; needs: GatewayNeeds },
): Promise<ServerCertificates | null> {
  if (handoff.listen.tls === null && handoff.listen.pdpTls === null) return null;
  const { minVersion, certificate } = handoff.tls;
  if (certificate !== null) return ownCertificate(certificate, minVersion);
  // A public CA is asked for the PDP's name only where there is a listener under that name alone.
  const own = handoff.listen.pdpTls === null ? [] : [gate.pdp.host];
  const hosts = () => [...gate.sites().keys(), ...own];
  const common = { call: gate.call, hosts: hosts(), clock: needs.clock, minVersion, onProblem: needs.notice };
  // Elsewhere it is control's configuration that says where certificates come from.
  const isByAcme =
    'identityFile' in handoff.control ? (await gate.call('certificate/source', {})).acme : handoff.tls.acme;
  const made = isByAcme
    ? await certificatesByAcme({
        ...common,
        kept: await KeptCertificates.open(join(needs.privateDirectory, 'certificates')),
      })
    : await issuedByOurCa({ ...common, namesOf: (names) => certificateNames(names, handoff.urls) });
  onSites.add(() => made.cover(hosts()));
  acme.answer = made.httpAnswer;
  return made;
}

/** A wildcard where browsers take one (never under `localhost`), else every host by name. */
function certificateNames(hosts: readonly string[], urls: GatewayHandoff['urls']): string[] {
  const own = reservedHosts.map((host) => hostOf(host, urls));
  const wildcards = [urls.domain, urls.appsDomain]
    .filter((domain) => domain.includes('.'))
    .map((domain) => `*.${domain}`);
  const covered = (host: string) => wildcards.includes(`*.${host.slice(host.indexOf('.') + 1)}`);
  return [...new Set([...wildcards, ...[...own, ...hosts].filter((host) => !covered(host))])];
}

function notReady(replica: Replica, journal: JournalClient): string | null {
  const { state } = replica.state();
  if (state !== 'fresh' && state !== 'cut-off') return `facts: ${state}`;
  return journal.failure === undefined ? null : `journal: ${journal.failure.message}`;
}

/** What following says before the first facts are there: control is only just starting, which is nothing to tell. */
class StartProblems {
  readonly #notice: (line: string) => void;
  readonly #hopeless = Promise.withResolvers<never>();
  #isStarting = true;
  #last = 'the control process does not answer';

  constructor(notice: (line: string) => void) {
    this.#notice = notice;
    this.#hopeless.promise.catch(() => undefined);
  }

  onProblem({ code, message }: ReplicaError): void {
    this.#last = message;
    if (this.#isStarting && (code === 'replayed' || code === 'removed')) this.#hopeless.reject(new Error(message));
    else if (!this.#isStarting || code !== 'unreachable') this.#notice(message);
  }

  /** Throws when the first facts take too long, and at once when waiting cannot help. */
  async until(fresh: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`there are no facts to judge from: ${this.#last}`)), firstFactsMsMax);
    });
    try {
      await Promise.race([fresh, late, this.#hopeless.promise]);
    } finally {
      clearTimeout(timer);
      this.#isStarting = false;
    }
  }
}
