import { z } from 'zod';
import type { Question } from '#foundation/model';
import { answerOf } from '../log-filter.ts';
import type { LogRecord } from '../log-record.ts';

/** A question as the journal recorded it, and how it was answered. */
export interface RecordedQuestion {
  readonly question: Question;
  /** When it was judged, milliseconds since the epoch. */
  readonly time: number;
  readonly answer: 'allow' | 'deny' | 'indeterminate';
  /** `@id`s of the policies that decided. */
  readonly reasons: readonly string[];
  /** Was the path longer than what is kept of it? Then what policies said about its end cannot be known. */
  readonly isPathCut: boolean;
}

/** Why a record holds no question that could be asked again. */
export type NoQuestion = 'erased' | 'counted' | 'ended' | 'other';

const text = z.string().default('');
/** What `httpActivity` writes; everything clients sent is attacker-controlled, and was parsed before it was judged. */
const payloadSchema = z.looseObject({
  authorizations: z
    .array(z.looseObject({ policy: z.looseObject({ uid: z.string(), is_applied: z.boolean().default(true) }) }))
    .default([]),
  actor: z.looseObject({ session: z.looseObject({ uid: z.string() }).optional() }),
  http_request: z.looseObject({
    http_method: text,
    url: z.looseObject({ scheme: text, hostname: text, path: text }),
  }),
  src_endpoint: z.looseObject({ ip: z.string() }),
  dst_endpoint: z.looseObject({ svc_name: z.string() }),
  unmapped: z.looseObject({
    action: z.enum(['read', 'write', 'delete', 'connect']),
    route: z.string(),
    token: z.string().optional(),
    cut: z.unknown().optional(),
  }),
});

/** Class of requests to apps. */
export const httpActivityClass = 4002;

/**
 * Reads the question out of the record of a request to an app. Query values and headers are no part of it: they were dropped when it
 * was written. A text says why there is none.
 */
export function recordedQuestion(
  record: Pick<LogRecord, 'classUid' | 'time' | 'payload'>,
): RecordedQuestion | NoQuestion {
  const { classUid, payload, time } = record;
  if (classUid !== httpActivityClass) return 'other';
  if (payload === null) return 'erased';
  if ('count' in payload) return 'counted';
  const parsed = payloadSchema.safeParse(payload);
  const answer = answerOf(payload);
  if (!parsed.success || answer === undefined) return 'other';
  const {
    actor,
    http_request: http,
    src_endpoint: source,
    dst_endpoint: target,
    unmapped,
    authorizations,
  } = parsed.data;
  // It was judged while it ran, by facts that had changed: not what was asked at its beginning.
  if (unmapped.cut !== undefined) return 'ended';
  const { scheme, hostname, path } = http.url;
  const sessionId = actor.session?.uid;
  return {
    question: {
      asker:
        unmapped.token !== undefined
          ? { kind: 'token', tokenId: unmapped.token }
          : sessionId === undefined
            ? { kind: 'anonymous' }
            : { kind: 'session', sessionId },
      action: unmapped.action,
      resource: { type: 'App', id: target.svc_name },
      request: {
        method: http.http_method,
        host: hostname,
        path,
        route: unmapped.route,
        address: source.ip,
        tls: scheme === 'https' || scheme === 'wss',
        noun: '',
      },
    },
    time,
    answer,
    reasons: authorizations.flatMap(({ policy }) => (policy.is_applied ? [policy.uid] : [])),
    isPathCut: path.endsWith('…'),
  };
}
