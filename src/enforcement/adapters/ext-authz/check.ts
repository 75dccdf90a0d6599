import { bytesField, bytesOf, MalformedMessage, messageIn, numberField, readFields, textOf } from './protobuf.ts';

/** `envoy.service.auth.v3.Authorization/Check`, as gRPC names it in the path. */
export const checkPath = '/envoy.service.auth.v3.Authorization/Check';
/** Bytes of one check: the head of a request, with certificates. */
export const checkBytesMax = 256 * 1024;
const headersMax = 600;

/** The HTTP request that Envoy holds, out of a `CheckRequest`. */
export interface CheckedRequest {
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly tls: boolean;
  readonly address: string | null;
  /** Flat, names in small letters, pseudo-headers left out. */
  readonly headers: readonly string[];
}

/**
 * Reads `envoy.service.auth.v3.CheckRequest`: `attributes` (1) with `source` (1) and `request` (4), whose `http` (2) has method (2),
 * headers (3), path (4), host (5) and scheme (6). Throws MalformedMessage.
 */
export function readCheckRequest(bytes: Uint8Array): CheckedRequest {
  const attributes = messageIn(bytes, 1);
  const http = messageIn(messageIn(attributes, 4), 2);
  const texts = new Map<number, string>();
  const headers: string[] = [];
  for (const { number, value } of readFields(http)) {
    if (number === 3) {
      const entry = bytesOf(value);
      const [name, text] = [textIn(entry, 1).toLowerCase(), textIn(entry, 2)];
      if (!name.startsWith(':')) headers.push(name, text);
      if (headers.length > headersMax * 2)
        throw new MalformedMessage(`the request has more than ${headersMax} headers`);
    } else if (number >= 2 && number <= 6) texts.set(number, textOf(value));
  }
  const address = textIn(messageIn(messageIn(messageIn(attributes, 1), 1), 1), 2);
  return {
    method: texts.get(2) ?? '',
    target: texts.get(4) ?? '',
    authority: texts.get(5) ?? '',
    tls: texts.get(6) === 'https',
    address: address === '' ? null : address,
    headers,
  };
}

function textIn(message: Uint8Array, number: number): string {
  let found = '';
  for (const field of readFields(message)) if (field.number === number) found = textOf(field.value);
  return found;
}

/** `HeaderValueOption` (repeated field 2): `header` (1) with key (1) and value (2); `append_action` (3) 2: overwrite, or add. */
function headerOptions(number: number, headers: readonly string[]): Uint8Array[] {
  const options: Uint8Array[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const header = Buffer.concat([bytesField(1, headers[at] ?? ''), bytesField(2, headers[at + 1] ?? '')]);
    options.push(bytesField(number, Buffer.concat([bytesField(1, header), numberField(3, overwrite)])));
  }
  return options;
}

const overwrite = 2;
/** google.rpc.Code */
const permissionDenied = 7;

/** A `CheckResponse` that lets the request pass: `status` (1), `ok_response` (3) with headers to set (2) and to remove (5). */
export function allowedResponse({ set, remove }: { set: readonly string[]; remove: readonly string[] }): Uint8Array {
  const removed = remove.map((name) => bytesField(5, name));
  return Buffer.concat([bytesField(1, ''), bytesField(3, Buffer.concat([...headerOptions(2, set), ...removed]))]);
}

/** A `CheckResponse` that refuses: `denied_response` (2) with `status` (1), headers (2) and body (3) for the client. */
export function deniedResponse({
  status,
  headers,
  body,
}: {
  status: number;
  headers: readonly string[];
  body: string;
}): Uint8Array {
  const denied = [bytesField(1, numberField(1, status)), ...headerOptions(2, headers), bytesField(3, body)];
  return Buffer.concat([bytesField(1, numberField(1, permissionDenied)), bytesField(2, Buffer.concat(denied))]);
}

/** The one message of a gRPC call without compression; throws MalformedMessage. */
export function readGrpcFrame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 5 || view.getUint8(0) !== 0 || view.getUint32(1) !== bytes.byteLength - 5) {
    throw new MalformedMessage('the call must be one message, not compressed');
  }
  return bytes.subarray(5);
}

export function grpcFrame(message: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.byteLength, 1);
  return Buffer.concat([head, message]);
}
