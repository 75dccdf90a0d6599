import { z } from 'zod';
import { buildCompactJws } from './compact-jws.ts';
import { checkLifetime, type TokenNeeds } from './sign-token.ts';
import { SigningError } from './signing-error.ts';

export const assertionLifetimeSMax = 60;
export const assertionGroupsMax = 200;
/** `typ` of `Nullius-Assertion`: no ID token can pass for one, and the other way round. */
export const assertionType = 'nullius-assertion+jwt';

const seconds = z.int().min(0);
const words = z.string().max(500);
const claimsSchema = z.strictObject({
  iss: z.string(),
  aud: z.string().min(1).max(1_000),
  sub: z.string().min(1).max(255),
  iat: seconds,
  exp: seconds,
  nbf: seconds.optional(),
  jti: z.string().max(100).optional(),
  /** Session id. */
  sid: z.string().max(200).optional(),
  name: words.optional(),
  preferred_username: words.optional(),
  email: z.string().max(320).optional(),
  groups: z.array(z.string().max(63)).max(assertionGroupsMax).optional(),
  device: z.string().max(200).optional(),
  amr: z.array(z.string().max(50)).max(20).optional(),
  acr: z.string().max(200).optional(),
  auth_time: seconds.optional(),
  /** Fact revision the assertion speaks of. */
  revision: z.int().min(0).optional(),
});

/** Signs a `Nullius-Assertion` of at most 60 s for one app. Gives the compact JWS. Throws SigningError. */
export function signAssertion(claims: unknown, needs: TokenNeeds): string {
  const parsed = claimsSchema.safeParse(claims);
  if (!parsed.success) {
    const at = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new SigningError(
      'refused',
      `the claims of the assertion are not as agreed${at === '' ? '' : ` at \`${at}\``}`,
    );
  }
  checkLifetime(parsed.data, { now: needs.now, lifetimeSMax: assertionLifetimeSMax });
  if (parsed.data.iss !== needs.issuer) throw new SigningError('refused', `the issuer is not \`${needs.issuer}\``);
  const key = needs.keys.at(-1);
  if (key === undefined) throw new SigningError('unknown-key', 'there is no token key');
  return buildCompactJws(key, { typ: assertionType, payload: parsed.data });
}
