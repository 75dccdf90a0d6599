import { sha256, sha256Base64url } from '#foundation/crypto';
import { toBase64url, toIdentifier } from '#foundation/encoding';
import { hashForKey, type Token } from '#foundation/model';
import { accountActivity, accountEvent } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore } from '../needs.ts';
import { tokenLifetimeMsMax, tokensPerOwnerMax } from '../session-policy.ts';
import { parseScope } from './scope.ts';

/** Lets secret scanners find a leaked token, and people tell what it is. */
export const tokenPrefix = 'nls_';
const checksumCharacters = 6;
const secretCharacters = 43;

export interface TokenRequest {
  readonly label: string;
  readonly owner: Token['owner'];
  readonly scopes: readonly string[];
  readonly lifetimeMs: number;
  /** Who makes it, as an entity uid. */
  readonly by: string;
}

/**
 * Makes a token for a program that cannot sign in. The value is given once: `nls_`, 256 random bits, a checksum. The
 * fact holds its SHA-256.
 */
export async function createToken(core: IdentityCore, request: TokenRequest): Promise<{ id: string; token: string }> {
  const token = withChecksum(tokenPrefix + toBase64url(core.random(32)));
  const id = await putToken(core, { request, secret: { hash: sha256Base64url(token) } });
  return { id, token };
}

/**
 * Makes a token without a value: it is shown by proving to hold a key. `keyHash`: SHA-256 (base64url) of its SubjectPublicKeyInfo. Throws
 * IdentityError `conflict` for a key that was ever given, so that one that was revoked stays so.
 */
export async function createKeyCaller(
  core: IdentityCore,
  request: TokenRequest & { readonly keyHash: string },
): Promise<{ id: string }> {
  const { keyHash } = request;
  return { id: await putToken(core, { request, secret: { hash: hashForKey(keyHash), keyHash } }) };
}

async function putToken(
  core: IdentityCore,
  { request, secret }: { readonly request: TokenRequest; readonly secret: Pick<Token, 'hash' | 'keyHash'> },
): Promise<string> {
  const scopes = [...new Set(request.scopes)];
  const wrong = scopes.find((scope) => parseScope(scope) === undefined);
  if (wrong !== undefined || scopes.length === 0) {
    throw new IdentityError(
      'invalid-request',
      `\`${(wrong ?? '').slice(0, 100)}\` is not a scope: use \`<noun>:read\`, \`<noun>:write\`, \`read\`, \`admin\`, \`app:<name>\`, or \`pdp:app:<name>\` for the PDP`,
    );
  }
  if (!Number.isSafeInteger(request.lifetimeMs) || request.lifetimeMs <= 0 || request.lifetimeMs > tokenLifetimeMsMax) {
    throw new IdentityError('invalid-request', 'a token lives for at most a year; give a lifetime up to `366d`');
  }
  // By the key itself, so that of those who register it at the same time one gets it: facts that others commit just now are not seen here.
  const id = toIdentifier(secret.keyHash === undefined ? core.random(16) : sha256(secret.hash).subarray(0, 16));
  const now = core.clock();
  await core.store.transact(async (transaction) => {
    const { owner } = request;
    const facts = core.store.facts();
    const live = [...facts.all('token')].filter(
      ([, other]) =>
        other.owner.type === owner.type &&
        other.owner.id === owner.id &&
        other.status === 'active' &&
        other.expiresAt > now,
    );
    if (live.length >= tokensPerOwnerMax) {
      throw new IdentityError('conflict', `there are ${live.length} live tokens of this owner; revoke some first`);
    }
    // By its hash too: older tokens of a key have another id.
    const isTaken = facts.tokenByHash(secret.hash) !== undefined || (await transaction.fact('token', id)) !== undefined;
    if (secret.keyHash !== undefined && isTaken) {
      throw new IdentityError('conflict', 'there is, or was, a caller with this key; make a new key for this one');
    }
    await transaction.put('token', id, {
      label: request.label.slice(0, 500),
      owner,
      ...secret,
      scopes,
      createdAt: now,
      expiresAt: now + request.lifetimeMs,
      status: 'active',
    });
    await transaction.event(
      accountEvent(core, {
        user: owner.id,
        actor: request.by,
        activityId: accountActivity.other,
        message: `created token ${request.label.slice(0, 100)}`,
        severityId: scopes.includes('admin') ? 3 : 1,
        detail: { token: { uid: id, scopes, key_hash: secret.keyHash } },
      }),
    );
  });
  return id;
}

/** Ends a token. False when there is no such active one. */
export async function revokeToken(core: IdentityCore, options: { id: string; by: string }): Promise<boolean> {
  return core.store.transact(async (transaction) => {
    const token = await transaction.fact('token', options.id);
    if (token === undefined || token.status !== 'active') return false;
    await transaction.put('token', options.id, { ...token, status: 'revoked' });
    await transaction.event(
      accountEvent(core, {
        user: token.owner.id,
        actor: options.by,
        activityId: accountActivity.other,
        message: `revoked token ${token.label.slice(0, 100)}`,
        detail: { token: { uid: options.id } },
      }),
    );
    return true;
  });
}

function checksum(text: string): string {
  return toBase64url(sha256(text)).slice(0, checksumCharacters);
}

function withChecksum(text: string): string {
  return text + checksum(text);
}

/** Is this text (attacker-controlled) written like one of our tokens? Says nothing about whether it is one. */
export function looksLikeToken(text: string): boolean {
  const length = tokenPrefix.length + secretCharacters;
  if (text.length !== length + checksumCharacters || !text.startsWith(tokenPrefix)) return false;
  return checksum(text.slice(0, length)) === text.slice(length);
}
