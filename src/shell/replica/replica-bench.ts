// What the tests of following share: a store, a signer's key, control's socket, and a replica on it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Group } from '#foundation/model';
import { followStore, type LiveFacts, openStore, type Store } from '#shell/store';
import type { SnapshotStatement } from '#shell/wire';
import { FollowServer } from '../control/follow.ts';
import {
  type GatewaySocket,
  type GatewaySocketOptions,
  localPeer,
  startGatewaySocket,
} from '../control/gateway-socket.ts';
import { Replica, type ReplicaError, type ReplicaOptions } from './index.ts';

export const token = 'the-token-of-this-start';

export function group(displayName: string): Group {
  return { displayName, description: '', memberOf: [], origin: 'api' };
}

export interface TestSigner {
  readonly jwk: JWK;
  sign(statement: unknown, header?: Record<string, unknown>): Promise<string>;
}

export async function makeSigner(kid = 'signer-1'): Promise<TestSigner> {
  const { publicKey, privateKey } = (await generateKeyPair('Ed25519')) as {
    publicKey: CryptoKey;
    privateKey: CryptoKey;
  };
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'Ed25519' },
    sign: (statement, header) =>
      new CompactSign(Buffer.from(JSON.stringify(statement)))
        .setProtectedHeader({ alg: 'Ed25519', kid, typ: 'nullius-snapshot+jws', ...header })
        .sign(privateKey),
  };
}

export interface FollowBench {
  readonly folder: string;
  readonly socketPath: string;
  readonly store: Store;
  readonly live: LiveFacts;
  readonly signer: TestSigner;
  readonly follow: FollowServer;
  /** Statements signed so far: one per snapshot sent. */
  readonly signed: SnapshotStatement[];
  readonly problems: ReplicaError[];
  startReplica(options?: Partial<ReplicaOptions>): Promise<Replica>;
  /** Stops and starts control's side on the same store, with nothing left in its memory. */
  stopControl(): Promise<void>;
  startControl(): Promise<void>;
  end(): Promise<void>;
}

const noHandlers = new Proxy({}, { get: () => async () => ({}) }) as GatewaySocketOptions['handlers'];

export async function makeFollowBench(
  options: { stallMs?: number; url?: string; leaseMs?: () => number } = {},
): Promise<FollowBench> {
  const folder = await mkdtemp(join(tmpdir(), 'nullius-follow-'));
  const socketPath = join(folder, 'gateway.sock');
  const signer = await makeSigner();
  const signed: SnapshotStatement[] = [];
  const problems: ReplicaError[] = [];
  const replicas: Replica[] = [];
  const place = options.url === undefined ? { path: join(folder, 'store.sqlite') } : { url: options.url };
  const store = await openStore({ ...place, clock: Date.now });
  const signSnapshot = (statement: SnapshotStatement) => {
    signed.push(statement);
    return signer.sign(statement);
  };
  let live: LiveFacts;
  let follow: FollowServer;
  let socket: GatewaySocket | undefined;
  const startControl = async () => {
    live = await followStore(store, { clock: Date.now, onError: () => {} });
    follow = new FollowServer({ store, live, signSnapshot, leaseMs: () => 60_000, onError: () => {}, ...options });
    socket = await startGatewaySocket({
      follow,
      handlers: noHandlers,
      peerOf: localPeer(token),
      describe: () => undefined,
      onError: () => {},
      socketPath,
    });
  };
  const stopControl = async () => {
    await socket?.close();
    socket = undefined;
    await live.close();
  };
  await startControl();
  return {
    folder,
    socketPath,
    store,
    get live() {
      return live;
    },
    signer,
    get follow() {
      return follow;
    },
    signed,
    problems,
    startControl,
    stopControl,
    startReplica: async (some) => {
      const replica = await Replica.start({
        control: { socketPath, token },
        signerKeys: [signer.jwk],
        positionFile: join(folder, 'position.json'),
        verifyPublication: async () => {},
        clock: Date.now,
        monotonicClock: () => performance.now(),
        onProblem: (problem) => problems.push(problem),
        ...some,
      });
      replicas.push(replica);
      return replica;
    },
    end: async () => {
      await Promise.all(replicas.map((replica) => replica.close()));
      await stopControl();
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Waits until `holds`, looking often; the test's own timeout ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}
