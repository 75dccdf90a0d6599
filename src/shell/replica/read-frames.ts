import { z } from 'zod';
import { leaseMsMax } from '#shell/wire';
import { ReplicaError } from './replica-error.ts';

/** A publication carries all policies, so one fact may be large; no honest frame is larger. */
const frameBytesMax = 64 * 1024 * 1024;

const revision = z.int().min(0);
const frameSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('snapshot'), statement: z.string() }),
  z.strictObject({ type: z.literal('fact'), fact: z.unknown() }),
  z.strictObject({ type: z.literal('snapshot-end') }),
  z.strictObject({ type: z.literal('change'), revision, facts: z.array(z.unknown()) }),
  z.strictObject({ type: z.literal('heartbeat'), epoch: revision, revision, leaseMs: z.int().min(0).max(leaseMsMax) }),
]);

/** A frame whose facts are still unread. */
export type RawFrame = z.infer<typeof frameSchema>;

/** Splits NDJSON into frames. Throws ReplicaError `malformed` for anything else, and for a line that is too long. */
export async function* readFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<RawFrame> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      pending.push(chunk.subarray(start, end));
      yield readFrame(pending);
      pending = [];
      pendingBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > frameBytesMax)
      throw new ReplicaError('malformed', `control sent a frame of more than ${frameBytesMax} bytes`);
  }
}

function readFrame(parts: readonly Uint8Array[]): RawFrame {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
    return frameSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ReplicaError('malformed', 'control sent a frame that is not of the protocol', { cause });
  }
}
