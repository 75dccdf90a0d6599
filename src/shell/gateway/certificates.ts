import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { makeKeyAndRequest } from '#shell/enrolment';
import type { CallControl } from './control-client.ts';

const renewAtShareOfLifetime = 2 / 3;
const renewRetryMs = 30_000;
const timerMsMax = 2_147_000_000;
const tlsCiphersets = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** The gateway's TLS identity. Its keys never leave this process but for its own folder. */
export interface ServerCertificates {
  /** What to show for a server name (attacker-controlled, lower-case); undefined: nothing, the handshake fails. */
  readonly contextFor: (servername: string) => SecureContext | undefined;
  /** What to show a validator of ACME that asks for this server name with `acme-tls/1` alone (RFC 8737). */
  readonly challengeFor?: (servername: string) => SecureContext | undefined;
  /** The answer to `/.well-known/acme-challenge/<token>` of this host over plain HTTP (RFC 8555 section 8.3). */
  readonly httpAnswer?: (host: string, token: string) => string | undefined;
  /** Told whenever hosts come or go; all of them. Returns at once. */
  readonly cover: (hosts: readonly string[]) => void;
  /** Resolves when what can be had at start is there. Called once the listeners are open. */
  readonly settled: () => Promise<void>;
  /** Why TLS cannot be served now, in words; null: it can. */
  readonly problem: () => string | null;
  /** When the first of those that are shown ends, milliseconds since the epoch; null: there is none. How many hosts have none. */
  readonly standing: () => { readonly firstEnd: number | null; readonly missing: number };
  readonly close: () => Promise<void>;
}

/** When to renew: at two thirds of the lifetime. */
export function renewalTime({ notBefore, notAfter }: { notBefore: number; notAfter: number }): number {
  return notBefore + (notAfter - notBefore) * renewAtShareOfLifetime;
}

/** A timer's delay, within what timers can hold. */
export function boundedDelay(ms: number): number {
  return Math.min(Math.max(ms, 0), timerMsMax);
}

/**
 * One certificate of our own CA for all names, its key in memory only, renewed by itself. Throws ControlError when the first
 * cannot be had.
 */
export async function issuedByOurCa(options: {
  readonly call: CallControl;
  readonly hosts: readonly string[];
  /** The names to ask for, given the hosts: wildcards stand for many. */
  readonly namesOf: (hosts: readonly string[]) => readonly string[];
  readonly clock: () => number;
  readonly minVersion: TlsVersion;
  readonly onProblem: (words: string) => void;
}): Promise<ServerCertificates> {
  let names = options.namesOf(options.hosts);
  let timer: NodeJS.Timeout | undefined;
  let end = 0;
  let context = await issue();

  async function issue(): Promise<SecureContext> {
    const asked = options.clock();
    // Our CA takes the names from the call and only the key from the request.
    const { keyPem, csrPem } = makeKeyAndRequest(names.slice(0, 1));
    const answer = await options.call('certificate/issue', { csrPem, names });
    const made = secureContext({ chainPem: answer.chainPem, keyPem }, options.minVersion);
    const renewAt = renewalTime({ notBefore: asked, notAfter: answer.notAfter });
    schedule(Math.max(renewRetryMs, renewAt - asked));
    end = answer.notAfter;
    return made;
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(renew, boundedDelay(delayMs));
    timer.unref();
  }

  let last: Promise<void> = Promise.resolve();
  /** One after the other, so that the newest list of names is the one that stays. */
  function renew(): void {
    last = last.then(renewNow);
  }

  async function renewNow(): Promise<void> {
    try {
      context = await issue();
    } catch (error) {
      options.onProblem(`no new TLS certificate yet: ${error instanceof Error ? error.message : String(error)}`);
      schedule(renewRetryMs);
    }
  }

  return {
    contextFor: () => context,
    cover: (hosts) => {
      const wanted = options.namesOf(hosts);
      if ([...wanted].sort().join(' ') === [...names].sort().join(' ')) return;
      names = wanted;
      renew();
    },
    settled: async () => undefined,
    problem: () => null,
    standing: () => ({ firstEnd: end, missing: 0 }),
    close: async () => clearTimeout(timer),
  };
}

/** The operator's own certificate, as the supervisor read it. It changes with a restart. Throws when key and chain do not fit. */
export function ownCertificate(
  pem: { readonly chainPem: string; readonly keyPem: string },
  minVersion: TlsVersion,
): ServerCertificates {
  let context: SecureContext;
  try {
    context = secureContext(pem, minVersion);
  } catch (cause) {
    throw new Error(
      '`tls.certificate` and `tls.key` do not fit together: the first file needs the certificate and what leads to its ' +
        'CA, the second the unencrypted private key of that certificate, both in PEM',
      { cause },
    );
  }
  const firstEnd = new X509Certificate(pem.chainPem).validToDate.getTime();
  return {
    contextFor: () => context,
    cover: () => undefined,
    settled: async () => undefined,
    problem: () => null,
    standing: () => ({ firstEnd, missing: 0 }),
    close: async () => undefined,
  };
}

/** Throws when the key is not the chain's, or either cannot be read. */
export function secureContext(
  pem: { readonly chainPem: string; readonly keyPem: string },
  minVersion: TlsVersion,
): SecureContext {
  const ciphers = minVersion === 'TLSv1.3' ? { ciphers: tlsCiphersets } : {};
  return createSecureContext({ key: pem.keyPem, cert: pem.chainPem, minVersion, ...ciphers });
}
