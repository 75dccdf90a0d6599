import { X509Certificate } from 'node:crypto';
import { EnrolmentError, type GatewayIdentity, readIdentity, requestFor, writeIdentity } from '#shell/enrolment';
import type { ControlAddress } from '#shell/replica';
import { controlPeerName, type GatewayHandoff } from '#shell/wire';
import type { CallControl } from './control-client.ts';

/** A certificate is renewed after a third of its life; a try that failed is repeated this often. */
const renewAfter = 1 / 3;
const renewCheckMs = 600_000;

/** How this gateway reaches control, and what it must do to be let in tomorrow. */
export interface ControlLink {
  readonly address: ControlAddress;
  /** Is control on another machine? */
  readonly isRemote: boolean;
  /** null: `id`, `console` and the demo are served where control is. */
  readonly webSocketPath: string | null;
  /** Keeps the certificate fresh until the returned function is called. */
  keepFresh(call: CallControl): () => void;
}

/** Throws EnrolmentError when there is no usable identity for a control on another machine. */
export function linkToControl(
  control: GatewayHandoff['control'],
  { clock, notice }: { clock: () => number; notice: (line: string) => void },
): ControlLink {
  if ('identityFile' in control) return remoteLink(control.identityFile, { clock, notice });
  const { socketPath, token, webSocketPath } = control;
  return { isRemote: false, address: { socketPath, token }, webSocketPath, keepFresh: () => () => undefined };
}

function remoteLink(path: string, needs: { clock: () => number; notice: (line: string) => void }): ControlLink {
  const read = readIdentity(path);
  if (read === undefined) throw new EnrolmentError('damaged', `there is no \`${path}\`; join first`);
  let identity: GatewayIdentity = read;
  const renew = async (call: CallControl) => {
    if (needs.clock() < renewalDue(identity.chainPem)) return;
    const csrPem = requestFor(identity.keyPem, [controlPeerName]);
    const { chainPem, caPem } = await call('gateway/renew', { csrPem });
    identity = { ...identity, chainPem, caPem };
    await writeIdentity(path, { identity, isNew: false });
  };
  return {
    isRemote: true,
    address: {
      ...identity.control,
      tls: () => ({ ca: identity.caPem, cert: identity.chainPem, key: identity.keyPem, servername: controlPeerName }),
    },
    webSocketPath: null,
    keepFresh: (call) => {
      const look = () =>
        void renew(call).catch((error: unknown) =>
          needs.notice(
            `the certificate for control could not be renewed: ${error instanceof Error ? error.message : String(error)}`,
          ),
        );
      look();
      const timer = setInterval(look, renewCheckMs);
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

/** When a certificate (PEM) is to be renewed, milliseconds. */
export function renewalDue(chainPem: string): number {
  const { validFromDate, validToDate } = new X509Certificate(chainPem);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return from + (to - from) * renewAfter;
}
