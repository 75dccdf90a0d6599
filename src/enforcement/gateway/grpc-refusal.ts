import { headerOf } from './navigation.ts';
import type { GatewayRequest } from './read-request.ts';
import type { Answer, RefusalView } from './refusal-page.ts';

const messageCharactersMax = 1_000;

/** What clients make of our statuses by themselves (gRPC, "HTTP to gRPC Status Code Mapping"). */
const codes: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const unknown = 2;

/** A gRPC call: its client reads no body of ours, and of another status than 200 mostly nothing but the number. */
export function isGrpcCall(request: GatewayRequest): boolean {
  return request.httpVersion === '2' && /^application\/grpc(?:$|[+;])/i.test(headerOf(request, 'content-type') ?? '');
}

/**
 * The refusal as a gRPC status ("Trailers-Only" of the gRPC protocol over HTTP/2, which must carry 200). For the client that made the
 * call alone: to a proxy that asks whether to let a request through, 200 would mean yes.
 */
export function grpcRefusal(view: RefusalView): Answer {
  const advice = view.actions.flatMap((action) => (action.kind === 'words' ? [action.words] : []));
  const words = `${view.title}: ${[...view.reasons, ...advice].join(' ')}`.slice(0, messageCharactersMax);
  return {
    status: 200,
    headers: [
      ...['content-type', 'application/grpc'],
      ...['cache-control', 'no-store'],
      ...['grpc-status', `${codes[view.status] ?? unknown}`],
      ...['grpc-message', percentEncoded(`${words} Reference: ${view.correlationId}`)],
    ],
    body: '',
  };
}

/** Percent-encoding of `grpc-message`: everything but printable ASCII, and the percent sign. Words may be a stranger's. */
function percentEncoded(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
