import { z } from 'zod';
import { assertionsPerCallMax, type GatewayCalls, shippedBytesMax } from '#shell/wire';

const id = z.string().min(1).max(200);
const hash = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const time = z.int().min(0);
const url = z.string().max(16_384);
const checkpoint = { writer: z.string().min(1).max(63), size: time, rootHash: hash, time };

/** What each call must look like. The gateway parses the internet, so nothing it says is taken unread. */
export const gatewayCallSchemas = {
  'sign-in/begin': z.strictObject({ resource: id, returnTo: url, fresh: z.boolean() }),
  'sign-in/finish': z.strictObject({
    resource: id,
    callbackUrl: url,
    flow: z.string().max(8_192),
    userAgent: z.string().max(2_000),
    address: z.string().max(100),
  }),
  'sign-out': z.strictObject({ cookieHash: hash }),
  'cookie/rotate': z.strictObject({ cookieHash: hash }),
  'cookie/confirm': z.strictObject({ cookieHash: hash }),
  assertions: z.strictObject({
    asked: z.array(z.strictObject({ sessionId: id, resource: id })).max(assertionsPerCallMax),
  }),
  'session/seen': z.strictObject({ sessions: z.array(z.strictObject({ id, at: time })).max(10_000) }),
  report: z.strictObject({
    version: z.string().max(100),
    epoch: time,
    revision: time,
    open: z.array(z.strictObject({ resource: id, count: z.int().min(0) })).max(10_000),
    pdp: z
      .strictObject({
        url: z.string().max(300).nullable(),
        mutualTlsUrl: z.string().max(300).nullable().exactOptional(),
        callers: z.array(z.strictObject({ token: id, at: time })).max(10_000),
      })
      .exactOptional(),
  }),
  'grant/request': z.strictObject({ sessionId: id, resource: id, reason: z.string().max(500) }),
  'certificate/source': z.strictObject({}),
  'certificate/issue': z.strictObject({
    csrPem: z.string().max(16_384),
    names: z.array(z.string().min(1).max(253)).min(1).max(500),
  }),
  'certificate/challenges': z.strictObject({ shown: z.array(z.string().max(64)).max(200) }),
  'gateway/renew': z.strictObject({ csrPem: z.string().max(16_384) }),
  'pdp/page-key': z.strictObject({}),
  'journal/checkpoint': z.strictObject(checkpoint),
  'journal/ship': z.strictObject({
    records: z
      .strictObject({ segment: time, seq: time, frames: z.base64().max(Math.ceil(shippedBytesMax / 3) * 4) })
      .nullable(),
    checkpoint: z.strictObject({ ...checkpoint, note: z.string().max(4_096) }).nullable(),
  }),
} satisfies { [N in keyof GatewayCalls]: z.ZodType<GatewayCalls[N]['request']> };

export function isGatewayCall(name: string): name is keyof GatewayCalls {
  return Object.hasOwn(gatewayCallSchemas, name);
}
