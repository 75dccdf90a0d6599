import { createSecureContext, type SecureContext } from 'node:tls';
import { makeKeyAndRequest } from './certificate-request.ts';
import type { CallControl } from './control-client.ts';

const renewAtShareOfLifetime = 2 / 3;
const renewRetryMs = 30_000;
const renewDelayMsMax = 2_147_000_000;
const tlsCiphersets = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';

/** The gateway's TLS identity: its key never leaves this process; the chain is renewed before it runs out. */
export interface ServerCertificate {
  /** For SNI: the context in force. */
  readonly current: () => SecureContext;
  /** Asks for a certificate over a new list of names when it differs from the one in force. */
  readonly cover: (names: readonly string[]) => Promise<void>;
  readonly close: () => void;
}

/**
 * Generates a P-256 key in memory, has its CSR signed by our CA through control and renews it at two thirds of its
 * lifetime. Throws ControlError when the first certificate cannot be had.
 */
export async function obtainCertificate(options: {
  call: CallControl;
  names: readonly string[];
  clock: () => number;
  minVersion: 'TLSv1.2' | 'TLSv1.3';
}): Promise<ServerCertificate> {
  let names = [...options.names].sort();
  let timer: NodeJS.Timeout | undefined;
  let state = await issue(names);

  async function issue(wanted: readonly string[]) {
    // Our CA takes the names from the call and only the key from the request.
    const { keyPem, csrPem } = makeKeyAndRequest(wanted.slice(0, 1));
    const answer = await options.call('certificate/issue', { csrPem, names: wanted });
    const context = secureContext({ chainPem: answer.chainPem, keyPem }, options.minVersion);
    schedule(Math.max(renewRetryMs, (answer.notAfter - options.clock()) * renewAtShareOfLifetime));
    return context;
  }

  function schedule(delayMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        renew(names).catch(() => schedule(renewRetryMs));
      },
      Math.min(delayMs, renewDelayMsMax),
    );
    timer.unref();
  }

  async function renew(wanted: readonly string[]): Promise<void> {
    state = await issue(wanted);
    names = [...wanted];
  }

  return {
    current: () => state,
    cover: async (wanted) => {
      const sorted = [...wanted].sort();
      if (sorted.join(' ') !== names.join(' ')) await renew(sorted);
    },
    close: () => clearTimeout(timer),
  };
}

/** The operator's own certificate, as the supervisor read it. It changes with a restart. */
export function ownCertificate(
  pem: { readonly chainPem: string; readonly keyPem: string },
  minVersion: 'TLSv1.2' | 'TLSv1.3',
): ServerCertificate {
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
  return { current: () => context, cover: async () => undefined, close: () => undefined };
}

function secureContext(pem: { readonly chainPem: string; readonly keyPem: string }, minVersion: 'TLSv1.2' | 'TLSv1.3') {
  const ciphers = minVersion === 'TLSv1.3' ? { ciphers: tlsCiphersets } : {};
  return createSecureContext({ key: pem.keyPem, cert: pem.chainPem, minVersion, ...ciphers });
}
