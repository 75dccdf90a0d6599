import { createSecureContext, type SecureContext } from 'node:tls';
import { makeKeyAndRequest } from '#shell/enrolment';
import type { GatewayChallenge } from '#shell/wire';
import { boundedDelay, renewalTime, type ServerCertificates, secureContext, type TlsVersion } from './certificates.ts';
import type { CallControl } from './control-client.ts';
import { describeChain, type KeptCertificate, type KeptCertificates } from './kept-certificates.ts';

/** Control gives an order five minutes, and runs one at a time for all its gateways. */
const orderMsMax = 15 * 60_000;
const challengePollMs = 500;
/** Public directories take few failures an hour for a host. */
const retryMsMin = 60_000;
const retryMsMax = 3_600_000;
/** How long the start waits for first certificates before it goes on without. */
const settleMsMax = 30_000;
/** Hosts beyond this get no certificate: each is an order at a public directory. */
const hostsMax = 1_000;

interface Held {
  readonly context: SecureContext;
  readonly renewAt: number;
  readonly notAfter: number;
}

interface Failure {
  readonly retryAt: number;
  readonly delayMs: number;
  readonly words: string;
}

interface AcmeCertificatesOptions {
  readonly call: CallControl;
  readonly kept: KeptCertificates;
  readonly hosts: readonly string[];
  readonly clock: () => number;
  readonly minVersion: TlsVersion;
  /** Words for the operator. */
  readonly onProblem: (words: string) => void;
}

/**
 * Certificates of a public CA, one a host, so that a host whose name does not resolve yet spoils no other's. Control runs the
 * orders; this process shows the challenges and holds the keys. Reads what is kept before it resolves.
 */
export async function certificatesByAcme(options: AcmeCertificatesOptions): Promise<ServerCertificates> {
  const { onProblem } = options;
  const orders = new AcmeOrders(options);
  await orders.want(options.hosts);
  return {
    contextFor: (servername) => orders.contextFor(servername),
    challengeFor: (servername) => orders.challenges.contextFor(servername),
    httpAnswer: (host, token) => orders.challenges.textFor(host, token),
    cover: (hosts) => void orders.want(hosts).catch((error: unknown) => onProblem(String(error))),
    settled: () => orders.settled(),
    problem: () => orders.problem(),
    standing: () => orders.standing(),
    close: () => orders.close(),
  };
}

/** What is shown for orders under way. */
class Challenges {
  #shown: readonly string[] = [];
  readonly #contexts = new Map<string, SecureContext>();
  readonly #texts = new Map<string, string>();

  contextFor(servername: string): SecureContext | undefined {
    return this.#contexts.get(servername);
  }

  textFor(host: string, token: string): string | undefined {
    return this.#texts.get(`${host} ${token}`);
  }

  /** Asks control what to show and tells it what is shown by now. Gives whether anything is new. */
  async ask(call: CallControl): Promise<boolean> {
    const { challenges } = await call('certificate/challenges', { shown: this.#shown });
    const isNew = challenges.some(({ id }) => !this.#shown.includes(id));
    this.clear();
    for (const challenge of challenges) this.#show(challenge);
    this.#shown = challenges.map(({ id }) => id);
    return isNew;
  }

  clear(): void {
    this.#shown = [];
    this.#contexts.clear();
    this.#texts.clear();
  }

  #show(challenge: GatewayChallenge): void {
    if (challenge.type === 'http-01')
      this.#texts.set(`${challenge.host} ${challenge.token}`, challenge.keyAuthorization);
    else {
      const { certificatePem: cert, keyPem: key } = challenge;
      this.#contexts.set(challenge.host, createSecureContext({ cert, key }));
    }
  }
}

/** Orders and renews, one host at a time. */
class AcmeOrders {
  readonly challenges = new Challenges();
  readonly #options: AcmeCertificatesOptions;
  readonly #held = new Map<string, Held>();
  readonly #failures = new Map<string, Failure>();
  #hosts: readonly string[] = [];
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: AcmeCertificatesOptions) {
    this.#options = options;
  }

  contextFor(servername: string): SecureContext | undefined {
    // TLS 1.2 chooses the certificate before it knows of `acme-tls/1`: before the first certificate the proof is all there is.
    return this.#held.get(servername)?.context ?? this.challenges.contextFor(servername);
  }

  /** Takes what is kept for new hosts, then orders what is missing in the background. */
  async want(hosts: readonly string[]): Promise<void> {
    if (hosts.length > hostsMax)
      this.#options.onProblem(`${hosts.length} hosts, but certificates are ordered for the first ${hostsMax} only`);
    this.#hosts = hosts.slice(0, hostsMax);
    for (const host of this.#hosts) {
      if (this.#held.has(host)) continue;
      try {
        const kept = await this.#options.kept.read(host, this.#options.clock());
        if (kept !== undefined) this.#hold(host, kept);
      } catch (error) {
        this.#options.onProblem(wordsOf(error));
      }
    }
    this.#run();
  }

  settled(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, settleMsMax);
    });
    return Promise.race([this.#running ?? Promise.resolve(), late]).finally(() => clearTimeout(timer));
  }

  problem(): string | null {
    const now = this.#options.clock();
    if (this.#hosts.some((host) => (this.#held.get(host)?.notAfter ?? 0) > now)) return null;
    const [failure] = this.#failures.values();
    return `no certificate yet${failure === undefined ? '' : `: ${failure.words}`}`;
  }

  standing(): { firstEnd: number | null; missing: number } {
    const ends = this.#hosts.flatMap((host) => this.#held.get(host)?.notAfter ?? []);
    const firstEnd = ends.reduce<number | null>((first, end) => (first === null || end < first ? end : first), null);
    return { firstEnd, missing: this.#hosts.length - ends.length };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #run(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#running ??= this.#orderAllDue().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
  }

  async #orderAllDue(): Promise<void> {
    for (;;) {
      const host = this.#hosts.find((each) => this.#dueAt(each) <= this.#options.clock());
      if (host === undefined || this.#isClosed) return;
      await this.#order(host);
    }
  }

  #dueAt(host: string): number {
    return Math.max(this.#held.get(host)?.renewAt ?? 0, this.#failures.get(host)?.retryAt ?? 0);
  }

  #schedule(): void {
    if (this.#isClosed || this.#hosts.length === 0) return;
    let next = Number.POSITIVE_INFINITY;
    for (const host of this.#hosts) next = Math.min(next, this.#dueAt(host));
    this.#timer = setTimeout(() => this.#run(), boundedDelay(next - this.#options.clock()));
    this.#timer.unref();
  }

  async #order(host: string): Promise<void> {
    const { keyPem, csrPem } = makeKeyAndRequest([host]);
    try {
      const { chainPem } = await this.#whileShowing(
        this.#options.call('certificate/issue', { csrPem, names: [host] }, { timeoutMs: orderMsMax }),
      );
      this.#hold(host, describeChain({ keyPem, chainPem }, host));
      if (this.#failures.delete(host)) this.#options.onProblem(`\`${host}\` has its certificate now`);
      await this.#options.kept.write(host, { keyPem, chainPem });
    } catch (error) {
      if (this.#isClosed) return;
      const delayMs = Math.min((this.#failures.get(host)?.delayMs ?? retryMsMin / 2) * 2, retryMsMax);
      const words = wordsOf(error);
      this.#failures.set(host, { retryAt: this.#options.clock() + delayMs, delayMs, words });
      this.#options.onProblem(
        `no certificate for \`${host}\`: ${words}; tried again in ${Math.round(delayMs / 1000)} s`,
      );
    }
  }

  /** Shows challenges for as long as the order is under way. */
  async #whileShowing<T>(order: Promise<T>): Promise<T> {
    let isOver = false;
    const ended = order.then(
      () => undefined,
      () => undefined,
    );
    const over = ended.then(() => {
      isOver = true;
    });
    while (!isOver) {
      // What is new is told to be shown at once; a control that cannot be asked fails the order by itself.
      const isNew = await this.challenges.ask(this.#options.call).catch(() => false);
      if (!isNew) await Promise.race([over, pause(challengePollMs)]);
    }
    this.challenges.clear();
    return order;
  }

  #hold(host: string, certificate: KeptCertificate): void {
    this.#held.set(host, {
      context: secureContext(certificate, this.#options.minVersion),
      // However short it lives, or whatever our clock says: never in a tight loop at the directory.
      renewAt: Math.max(renewalTime(certificate), this.#options.clock() + retryMsMin),
      notAfter: certificate.notAfter,
    });
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
