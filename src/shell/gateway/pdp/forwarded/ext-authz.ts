import {
  allowedResponse,
  checkBytesMax,
  deniedResponse,
  grpcFrame,
  MalformedMessage,
  readCheckRequest,
  readGrpcFrame,
} from '#enforcement/adapters';
import { readWholeBody } from '#enforcement/gateway';
import type { Gate } from '../../gate.ts';
import type { KnownCall, PdpCall } from '../pdp.ts';
import { callerHeader, type ForwardedOutcome, judgeForwarded } from './judge-forwarded.ts';

/** A call is here by then, or its sender is stalling. */
const callMsMax = 5_000;
/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const grpcStatus = {
  ok: 0,
  invalidArgument: 3,
  permissionDenied: 7,
  internal: 13,
  unauthenticated: 16,
} as const;

/** Envoy's `ext_authz` over gRPC: one unary call over HTTP/2. */
export async function serveExtAuthz(gate: Gate, call: KnownCall): Promise<void> {
  const { client } = call.exchange;
  const timer = setTimeout(() => client.destroy(), callMsMax);
  const bytes = await readWholeBody(client.body, checkBytesMax);
  clearTimeout(timer);
  if (bytes === undefined)
    return failGrpc(call, { status: grpcStatus.invalidArgument, words: 'the call is too large' });
  try {
    const { headers, ...forwarded } = readCheckRequest(readGrpcFrame(bytes));
    answerGrpc(call, responseOf(await judgeForwarded(gate, call, { forwarded, headers })));
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    failGrpc(call, { status: grpcStatus.invalidArgument, words: error.message });
  }
}

/** What Envoy takes off before the request goes on: ours to say, and our own credentials. */
const removed = [
  callerHeader,
  'nullius-assertion',
  'nullius-decision',
  'nullius-token',
  'nullius-cookie',
  'nullius-authorization',
];

function responseOf(outcome: ForwardedOutcome): Uint8Array {
  if (outcome.kind === 'refused') return deniedResponse(outcome.answer);
  const set: string[] = [];
  const remove = new Set([...removed, 'cookie', 'authorization']);
  for (let at = 0; at < outcome.identity.length; at += 2) {
    const name = clientNames[outcome.identity[at] ?? ''] ?? outcome.identity[at] ?? '';
    set.push(name, outcome.identity[at + 1] ?? '');
    remove.delete(name);
  }
  return allowedResponse({ set, remove: [...remove] });
}

/** What is left of the client's credentials goes on under its own name. */
const clientNames: Readonly<Record<string, string>> = {
  'nullius-cookie': 'cookie',
  'nullius-authorization': 'authorization',
};

function answerGrpc({ exchange: { client } }: PdpCall, message: Uint8Array): void {
  if (client.closed || client.started) return;
  client.start(200, ['content-type', 'application/grpc']);
  client.write(grpcFrame(message));
  client.end(['grpc-status', String(grpcStatus.ok)]);
}

/** A call that failed as a call; Envoy then refuses the request (`failure_mode_allow` must stay off). */
export function failGrpc(
  { exchange: { client } }: Pick<PdpCall, 'exchange'>,
  { status, words }: { status: number; words: string },
): void {
  if (client.closed || client.started) return;
  const message = encodeURIComponent(words).replaceAll('%20', ' ');
  client.start(200, ['content-type', 'application/grpc', 'grpc-status', String(status), 'grpc-message', message]);
  client.end();
}
