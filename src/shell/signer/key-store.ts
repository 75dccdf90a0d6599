import { z } from 'zod';
import { PrivateFileError, readPrivateFile, replacePrivateFile } from '#shell/private-file';
import { createKeyring, type Keyring, type RootKey } from '#trust/keys';
import { generateSigningKey, importSigningKey, type SigningKey } from '#trust/signing';

const storeBytesMax = 262_144;
export const keysPerPurposeMax = 8;

const entrySchema = z.strictObject({
  purpose: z.enum(['token', 'statement', 'ca', 'peer-ca']),
  keyId: z.string().min(1).max(100),
  createdAt: z.int().min(0),
  /** Until when the public half is shown although a newer key signs; null for the newest. */
  shownUntil: z.int().min(0).nullable(),
  /** From when it signs; at once unless told. */
  signsFrom: z.int().min(0).optional(),
  wrapped: z.string().max(8_192),
  /** The CA's own certificate. */
  certificatePem: z.string().max(16_384).optional(),
});
const fileSchema = z.strictObject({ version: z.literal(1), keys: z.array(entrySchema).max(4 * keysPerPurposeMax) });

export type KeyPurpose = z.infer<typeof entrySchema>['purpose'];
type Entry = z.infer<typeof entrySchema>;

/** A private key of the signer, unwrapped. */
export interface HeldKey {
  readonly key: SigningKey;
  readonly createdAt: number;
  readonly signsFrom: number;
  readonly shownUntil: number | null;
  readonly certificatePem: string | undefined;
}

interface Held {
  readonly entry: Entry;
  readonly key: SigningKey;
}

export const keyAlgorithms = { token: 'ES256', statement: 'Ed25519', ca: 'ES256', 'peer-ca': 'ES256' } as const;

/** Is there no key file yet? Then this is the first start of this data folder. */
export function isKeyStoreEmpty(path: string): boolean {
  return readPrivateFile(path, { byteCountMax: storeBytesMax }) === undefined;
}

/**
 * The signer's private keys: in memory in the clear, on disk wrapped under the root key, one file replaced as a whole.
 * Keys of a purpose stand oldest first; the newest signs.
 */
export class KeyStore {
  readonly #path: string;
  readonly #keyring: Keyring;
  #held: readonly Held[];
  /** Additions one after the other: each replaces the whole file. */
  #adding: Promise<unknown> = Promise.resolve();

  private constructor(path: string, keyring: Keyring) {
    this.#path = path;
    this.#keyring = keyring;
    this.#held = [];
  }

  /** Reads the file, rewraps what an old root key wrapped. Throws PrivateFileError or KeysError. */
  static async open({ path, rootKeys }: { path: string; rootKeys: readonly RootKey[] }): Promise<KeyStore> {
    const store = new KeyStore(path, createKeyring(rootKeys, 'signer'));
    const text = readPrivateFile(path, { byteCountMax: storeBytesMax });
    if (text === undefined) return store;
    const entries = parseEntries(path, text);
    store.#held = entries.map((entry) => ({ entry: store.#current(entry), key: store.#unwrap(entry) }));
    if (store.#held.some(({ entry }, index) => entry.wrapped !== entries[index]?.wrapped))
      await store.#save(store.#held);
    return store;
  }

  /** Keys of a purpose that still count at `now`, oldest first. */
  keys(purpose: KeyPurpose, now: number): readonly HeldKey[] {
    return this.#held
      .filter(({ entry }) => entry.purpose === purpose && (entry.shownUntil === null || entry.shownUntil > now))
      .map(({ entry, key }) => ({
        key,
        createdAt: entry.createdAt,
        signsFrom: entry.signsFrom ?? entry.createdAt,
        shownUntil: entry.shownUntil,
        certificatePem: entry.certificatePem,
      }));
  }

  /**
   * Makes a new key for a purpose; it signs after `leadMs`. Older ones are shown for `overlapMs` more, then forgotten.
   * `describe` builds what is kept beside the key. The key is on disk before this returns.
   */
  add(purpose: KeyPurpose, options: AddOptions): Promise<HeldKey> {
    const added = this.#adding.then(() => this.#addNow(purpose, options));
    this.#adding = added.catch(() => undefined);
    return added;
  }

  async #addNow(purpose: KeyPurpose, options: AddOptions): Promise<HeldKey> {
    const key = generateSigningKey(keyAlgorithms[purpose]);
    const certificatePem = await options.certify?.(key);
    const { now, overlapMs, leadMs = 0, isAlone = false } = options;
    const signsFrom = now + leadMs;
    const kept = this.#held.filter(({ entry }) =>
      entry.purpose === purpose && isAlone ? false : entry.shownUntil === null || entry.shownUntil > now,
    );
    if (kept.filter(({ entry }) => entry.purpose === purpose).length >= keysPerPurposeMax)
      throw new PrivateFileError(
        `there are ${keysPerPurposeMax} ${purpose} keys in use; wait until older ones are forgotten`,
      );
    const entry: Entry = {
      purpose,
      keyId: key.keyId,
      createdAt: now,
      ...(leadMs === 0 ? {} : { signsFrom }),
      shownUntil: null,
      wrapped: this.#keyring.wrap(key.exportPrivate(), wrapPurpose(purpose, key.keyId)),
      ...(certificatePem === undefined ? {} : { certificatePem }),
    };
    const next = [
      ...kept.map((held) =>
        held.entry.purpose === purpose && held.entry.shownUntil === null
          ? { ...held, entry: { ...held.entry, shownUntil: signsFrom + overlapMs } }
          : held,
      ),
      { entry, key },
    ];
    await this.#save(next);
    this.#held = next;
    return { key, createdAt: now, signsFrom, shownUntil: null, certificatePem };
  }

  #unwrap(entry: Entry): SigningKey {
    const pkcs8 = this.#keyring.unwrap(entry.wrapped, wrapPurpose(entry.purpose, entry.keyId));
    const key = importSigningKey(pkcs8, keyAlgorithms[entry.purpose]);
    if (key.keyId !== entry.keyId)
      throw new PrivateFileError(`\`${this.#path}\` is damaged: a key is not the one it names`);
    return key;
  }

  #current(entry: Entry): Entry {
    if (this.#keyring.isCurrent(entry.wrapped)) return entry;
    return { ...entry, wrapped: this.#keyring.rewrap(entry.wrapped, wrapPurpose(entry.purpose, entry.keyId)) };
  }

  async #save(held: readonly Held[]): Promise<void> {
    await replacePrivateFile(
      this.#path,
      `${JSON.stringify({ version: 1, keys: held.map(({ entry }) => entry) }, null, 1)}\n`,
    );
  }
}

/** Root keys that wrap the signer's own keys in this file. Throws PrivateFileError. */
export function rootKeysOfSigner(path: string): ReadonlySet<string> {
  const text = readPrivateFile(path, { byteCountMax: storeBytesMax });
  if (text === undefined)
    throw new PrivateFileError(`there are no signer keys at \`${path}\`; is it the right data folder?`);
  return new Set(
    parseEntries(path, text).map(({ wrapped }) => {
      const [form, id = ''] = wrapped.split('.');
      if (form !== 'w1' || id === '') throw new PrivateFileError(`\`${path}\` holds a key in a form that is not known`);
      return id;
    }),
  );
}

interface AddOptions {
  readonly now: number;
  readonly overlapMs: number;
  /** Shown this long before it signs. */
  readonly leadMs?: number;
  /** Forget the older ones at once. */
  readonly isAlone?: boolean;
  readonly certify?: (key: SigningKey) => Promise<string>;
}

function wrapPurpose(purpose: KeyPurpose, keyId: string): string {
  return `${purpose} ${keyId}`;
}

function parseEntries(path: string, text: string): readonly Entry[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PrivateFileError(`\`${path}\` is damaged: it is not JSON; restore the data folder from a backup`);
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success)
    throw new PrivateFileError(`\`${path}\` is damaged or of a newer version; restore the data folder from a backup`);
  return parsed.data.keys;
}
