import type { SignerClient } from '#shell/signer-client';
import type { GatewayCalls } from '#shell/wire';
import { type AcmeNeeds, createAcmeAccountKey, orderCertificate } from '#trust/ca';
import { ChallengeBoard } from './challenge-board.ts';
import { DirectoryAgent } from './directory-agent.ts';

/** Lifetime of certificates of our own CA; the gateway renews at two thirds. */
export const certificateLifetimeMs = 24 * 3_600_000;
const orderMsMax = 5 * 60_000;
const accountSecret = 'acme/account-key';

export interface CertificateNeeds {
  readonly signer: SignerClient;
  /** Null: our own CA. `directoryCaPem` trusts a private directory. */
  readonly acme: {
    readonly directory: string;
    readonly email: string;
    readonly directoryCaPem: string | null;
    readonly challengeTypes: AcmeNeeds['challengeTypes'];
  } | null;
  /** Sealed secrets of the store: the account key lives there. */
  readonly secrets: {
    open(name: string): Promise<Uint8Array | undefined>;
    seal(name: string, bytes: Uint8Array): Promise<unknown>;
  };
}

export type CertificateCalls = {
  readonly [N in 'certificate/source' | 'certificate/issue' | 'certificate/challenges']: (
    request: GatewayCalls[N]['request'],
    gateway: { readonly name: string },
  ) => Promise<GatewayCalls[N]['answer']>;
};

/** The gateway's calls about certificates: by our own CA in the signer, or by ACME when it is configured. */
export function createCertificateCalls(needs: CertificateNeeds): CertificateCalls {
  // One a gateway: a host's validator comes to the gateway that ordered, and what another shows would prove nothing there.
  const boards = new Map<string, ChallengeBoard>();
  const boardOf = (gateway: string) => {
    const board = boards.get(gateway) ?? new ChallengeBoard();
    boards.set(gateway, board);
    return board;
  };
  const { acme, signer } = needs;
  // One order at a time: directories limit how many, and two gateways mostly ask for the same hosts.
  let last: Promise<unknown> = Promise.resolve();
  const order = async (
    request: GatewayCalls['certificate/issue']['request'],
    { by, gateway }: { by: NonNullable<typeof acme>; gateway: string },
  ) => {
    const accountKeyPem = await accountKey(needs.secrets);
    const agent = new DirectoryAgent(by.directoryCaPem === null ? {} : { ca: by.directoryCaPem });
    const ordered = orderCertificate(request, {
      directoryUrl: by.directory,
      email: by.email,
      challengeTypes: by.challengeTypes,
      accountKeyPem,
      httpsAgent: agent,
      lastTrouble: () => agent.lastTrouble,
      publish: (challenge) => boardOf(gateway).publish(challenge),
    });
    return await withinOrderTime(ordered);
  };
  return {
    'certificate/source': async () => ({ acme: acme !== null }),
    'certificate/issue': (request, { name }) => {
      if (acme === null) return signer.call('issue-certificate', { ...request, lifetimeMs: certificateLifetimeMs });
      const answer = last.then(() => order(request, { by: acme, gateway: name }));
      last = answer.catch(() => undefined);
      return answer;
    },
    'certificate/challenges': async ({ shown }, { name }) => ({ challenges: boardOf(name).ask(shown) }),
  };
}

async function accountKey(secrets: CertificateNeeds['secrets']): Promise<string> {
  const kept = await secrets.open(accountSecret);
  if (kept !== undefined) return Buffer.from(kept).toString('utf8');
  const made = createAcmeAccountKey();
  await secrets.seal(accountSecret, Buffer.from(made, 'utf8'));
  return made;
}

async function withinOrderTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the ACME order took over ${orderMsMax} ms`)), orderMsMax);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
