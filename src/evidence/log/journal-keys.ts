import { createSecretKey, type KeyObject } from 'node:crypto';
import { LogError } from './log-error.ts';
import { QuickHmac, tagRoomBytes } from './quick-hmac.ts';

/** Subject of events about nobody, and the key they are sealed with. */
export const systemSubject = 'system';
/** Subject of events about people we do not know, and of subjects whose key is not known. */
export const strangerSubject = 'stranger';

/** A key of one subject, with the pseudonym that stands in headers. */
export interface SubjectKey {
  readonly subject: string;
  readonly key: Uint8Array;
  readonly pseudonym: string;
}

const pseudonymInfo = 'nullius journal subject\0';

/** Bytes of a subject's key: AES-256. */
export const subjectKeyBytes = 32;

/**
 * Makes the pseudonym: a keyed hash under the subject's own key, so that once the key is deleted nobody can tell whose
 * records they were, and while it lives a person's records are found without opening any.
 */
export function subjectKey(subject: string, key: Uint8Array): SubjectKey {
  if (key.byteLength !== subjectKeyBytes) {
    throw new LogError('invalid', `the journal key of \`${subject}\` must have ${subjectKeyBytes} bytes`);
  }
  const name = Buffer.from(`${pseudonymInfo}${subject}`);
  const memory = Buffer.alloc(tagRoomBytes + name.byteLength);
  memory.set(name, tagRoomBytes);
  const mac = Buffer.from(new QuickHmac(key).tag(memory, name.byteLength), 'base64url');
  return { subject, key, pseudonym: mac.toString('base64url', 0, 16) };
}

const secrets = new WeakMap<SubjectKey, KeyObject>();

/** The key as Node's ciphers take it: given as bytes they make it anew every time, at more than the cost of a record. */
export function secretOf(subject: SubjectKey): KeyObject {
  let secret = secrets.get(subject);
  if (secret === undefined) {
    secret = createSecretKey(subject.key);
    secrets.set(subject, secret);
  }
  return secret;
}

/** The keys a reader or writer holds. */
export interface Keyring {
  /** The key of a subject; of `stranger` when the subject has none. */
  bySubject(subject: string): SubjectKey;
  /** Undefined when the key was deleted (the person was erased) or was never given to us. */
  byPseudonym(pseudonym: string): SubjectKey | undefined;
  /** Undefined when the subject has no key of its own. */
  own(subject: string): SubjectKey | undefined;
}

/** Builds a keyring of `[subject, key]`; it must hold `system` and `stranger` for writing. */
export function keyring(entries: Iterable<readonly [subject: string, key: Uint8Array]>): Keyring {
  const subjects = new Map<string, SubjectKey>();
  const pseudonyms = new Map<string, SubjectKey>();
  for (const [subject, key] of entries) {
    const made = subjectKey(subject, key);
    subjects.set(subject, made);
    pseudonyms.set(made.pseudonym, made);
  }
  return {
    own: (subject) => subjects.get(subject),
    byPseudonym: (pseudonym) => pseudonyms.get(pseudonym),
    bySubject(subject) {
      const found = subjects.get(subject) ?? subjects.get(strangerSubject);
      if (found === undefined) throw new LogError('invalid', 'the keyring holds no key for `stranger`');
      return found;
    },
  };
}
