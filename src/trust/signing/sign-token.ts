import { z } from 'zod';
import { parseSigningInput, signSigningInput } from './compact-jws.ts';
import { SigningError } from './signing-error.ts';
import type { SigningKey } from './signing-key.ts';

export const tokenLifetimeSMax = 3_600;
/** How far `iat` and `nbf` may lie from our clock. */
export const tokenClockSkewSMax = 60;
export const signingInputLengthMax = 32_768;

/** Types of an OpenID Provider. Types of our own statements and assertions are missing on purpose: no token can pass for one. */
const headerSchema = z.strictObject({
  alg: z.literal('ES256'),
  kid: z.string().max(100),
  typ: z.enum(['JWT', 'at+jwt', 'logout+jwt']).optional(),
});
const audience = z.string().min(1).max(1_000);
const seconds = z.int().min(0);
const payloadSchema = z.looseObject({
  iss: z.string(),
  aud: z.union([audience, z.array(audience).min(1).max(10)]),
  sub: z.string().min(1).max(255).optional(),
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
});

export interface TokenNeeds {
  readonly keys: readonly SigningKey[];
  readonly issuer: string;
  /** Wall clock, milliseconds. */
  readonly now: number;
}

/**
 * Signs a JWS signing input of the OpenID Provider (ID token, JWT access token, logout token) after reading it: our
 * issuer, a key we hold, a lifetime of at most an hour that begins now. Gives the signature. Throws SigningError.
 */
export function signToken(request: { signingInput: string; keyId: string }, needs: TokenNeeds): string {
  if (request.signingInput.length > signingInputLengthMax) throw new SigningError('refused', 'the token is too long');
  const input = parseSigningInput(request.signingInput);
  const header = headerSchema.safeParse(input.header);
  const payload = payloadSchema.safeParse(input.payload);
  if (!header.success) throw new SigningError('refused', 'the token header is not one of an OpenID Provider');
  if (!payload.success)
    throw new SigningError('refused', 'the token lacks `iss`, `aud`, `iat` or `exp`, or holds bad ones');
  if (header.data.kid !== request.keyId) throw new SigningError('refused', 'the token header names another key');
  checkLifetime(payload.data, { now: needs.now, lifetimeSMax: tokenLifetimeSMax });
  if (payload.data.iss !== needs.issuer) throw new SigningError('refused', `the issuer is not \`${needs.issuer}\``);
  const key = needs.keys.find((candidate) => candidate.keyId === request.keyId);
  if (key === undefined) throw new SigningError('unknown-key', 'there is no token key of that id');
  return signSigningInput(key, request.signingInput);
}

/** Refuses what does not begin about now, ends before it begins, or lives too long. All claims in seconds. */
export function checkLifetime(
  claims: { iat: number; exp: number; nbf?: number | undefined },
  bounds: { now: number; lifetimeSMax: number },
): void {
  const now = bounds.now / 1_000;
  const begins = [claims.iat, claims.nbf ?? claims.iat];
  if (begins.some((time) => Math.abs(time - now) > tokenClockSkewSMax))
    throw new SigningError('refused', '`iat` or `nbf` is not about now');
  if (claims.exp <= claims.iat || claims.exp - claims.iat > bounds.lifetimeSMax)
    throw new SigningError('refused', `\`exp\` must lie at most ${bounds.lifetimeSMax} s after \`iat\``);
}
