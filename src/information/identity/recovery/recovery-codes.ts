import { scrypt, timingSafeEqual } from 'node:crypto';
import { fromBase64url, toBase64url } from '#foundation/encoding';
import { accountActivity, accountEvent, authenticationEvent, type Client, severity } from '../events.ts';
import { IdentityError } from '../identity-error.ts';
import type { IdentityCore, IdentityTransaction } from '../needs.ts';
import { readRow, row } from '../record-kinds.ts';

export const recoveryCodeCount = 10;
const codeBytes = 16;
const hashBytes = 32;
/** RFC 7914: about 40 ms and 32 MiB a guess. The codes are 128 random bits, so this is belt and braces. */
const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
/** Hashes computed at once, so that guesses cannot take the machine's memory. */
const concurrentMax = 4;
let running = 0;

/** 31 characters: base 31, no look-alikes. */
const alphabet = '23456789abcdefghjkmnpqrstuvwxyz';
const radix = 31n;
/** 31^26 > 2^128. */
const codeCharacters = 26;

/** 128 bits in groups of characters that people can copy. */
function writeCode(bytes: Uint8Array): string {
  let bits = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  let text = '';
  for (let index = 0; index < codeCharacters; index += 1) {
    text = (alphabet[Number(bits % radix)] ?? '') + text;
    bits /= radix;
  }
  return text.match(/.{1,5}/g)?.join('-') ?? text;
}

/** What a person typed, in the one form that is hashed. */
function normalise(code: string): string {
  return code.toLowerCase().replaceAll('-', '').replaceAll(' ', '').slice(0, 64);
}

function hashCode(code: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(normalise(code), salt, hashBytes, cost, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

async function bounded<T>(work: () => Promise<T>): Promise<T> {
  if (running >= concurrentMax) throw new IdentityError('rate-limited', 'too many attempts at once; wait a moment');
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
  }
}

/** Draws new recovery codes for a user; the old ones are void. They are given once; scrypt hashes are kept. */
export async function createRecoveryCodes(
  core: IdentityCore,
  options: { user: string; client: Client },
): Promise<string[]> {
  const salt = core.random(16);
  const codes = Array.from({ length: recoveryCodeCount }, () => writeCode(core.random(codeBytes)));
  const hashes: string[] = [];
  for (const code of codes) hashes.push(toBase64url(await hashCode(code, salt)));
  await core.store.transact(async (transaction) => {
    await transaction.records.put(
      row('recovery-codes', {
        id: options.user,
        owner: options.user,
        body: { salt: toBase64url(salt), hashes, createdAt: core.clock() },
      }),
    );
    await transaction.event(
      accountEvent(core, {
        user: options.user,
        actor: `User::"${options.user}"`,
        activityId: accountActivity.factorAdd,
        message: 'made new recovery codes',
        severityId: severity.medium,
        client: options.client,
      }),
    );
  });
  return codes;
}

/** How many codes are left. */
export async function recoveryCodesLeft(core: IdentityCore, user: string): Promise<number> {
  const now = core.clock();
  const found = await core.store.transact(({ records }) => readRow(records, { kind: 'recovery-codes', id: user, now }));
  return found?.body.hashes.length ?? 0;
}

const refused = () => new IdentityError('sign-in-refused', 'the name or the code is not right');

/**
 * Spends a recovery code (attacker-controlled) of a user named by login name. One hash per guess whether or not there
 * is such a user; every stored hash is compared, in constant time; of two that race with one code, one wins.
 */
export async function spendRecoveryCode(
  core: IdentityCore,
  options: { name: string; code: string; client: Client },
): Promise<string> {
  const now = core.clock();
  const [user] = [...core.store.facts().all('user')].find(([, body]) => body.name === options.name) ?? [];
  const read = (transaction: IdentityTransaction) =>
    user === undefined
      ? Promise.resolve(undefined)
      : readRow(transaction.records, { kind: 'recovery-codes', id: user, now });
  const stored = await core.store.transact(read);
  const salt = stored === undefined ? new Uint8Array(16) : (fromBase64url(stored.body.salt) ?? new Uint8Array(16));
  const given = await bounded(() => hashCode(options.code, salt));
  const match = matching(stored?.body.hashes ?? [], given);
  const active = user !== undefined && core.store.facts().get('user', user)?.status === 'active';
  const spent =
    match !== undefined &&
    active &&
    (await core.store.transact(async (transaction) => {
      const current = await read(transaction);
      if (current === undefined || !current.body.hashes.includes(match)) return false;
      const body = { ...current.body, hashes: current.body.hashes.filter((hash) => hash !== match) };
      await transaction.records.put(row('recovery-codes', { id: user, owner: user, body }));
      return true;
    }));
  if (!spent || user === undefined) {
    await core.emit(
      authenticationEvent(core, {
        user: user ?? null,
        success: false,
        message: 'a recovery code was refused',
        protocol: 'recovery-code',
        severityId: severity.medium,
        client: options.client,
      }),
    );
    throw refused();
  }
  return user;
}

function matching(hashes: readonly string[], given: Uint8Array): string | undefined {
  let found: string | undefined;
  for (const hash of hashes) {
    const bytes = fromBase64url(hash);
    if (bytes !== undefined && bytes.length === given.length && timingSafeEqual(bytes, given)) found = hash;
  }
  return found;
}
