/** For each byte its lower-case form when it may stand in a token (RFC 9110 5.6.2), else 0. */
export const tokenBytes = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
  tokenBytes[char.charCodeAt(0)] = char.charCodeAt(0);
for (let upper = 0x41; upper <= 0x5a; upper++) tokenBytes[upper] = upper + 0x20;

/** 1 for each byte that may stand in a field value (RFC 9110 5.5): tab, space, visible ASCII, obs-text. */
export const valueBytes = new Uint8Array(256).fill(1, 0x20);
valueBytes[0x09] = 1;
valueBytes[0x7f] = 0;

/** Names that nearly every request has, so that no string is made for them. Anything else works as well, only slower. */
const frequentNames = [
  'host',
  'connection',
  'content-length',
  'content-type',
  'transfer-encoding',
  'cookie',
  'authorization',
  'upgrade',
  'expect',
  'te',
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'dnt',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'origin',
  'pragma',
  'priority',
  'range',
  'referer',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-fetch-user',
  'sec-gpc',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
  'sec-websocket-version',
  'upgrade-insecure-requests',
  'user-agent',
  'x-csrf-token',
  'x-requested-with',
];

const slotCount = 256;

/** The start value of the hash that `nextHash` carries on. */
export const firstHash = 5381;
export const nextHash = (hash: number, lowerCaseByte: number) => (Math.imul(hash, 33) ^ lowerCaseByte) | 0;

/** Where the bytes of a name lie, all of them token bytes, and their hash in lower case. */
export interface NamePlace {
  readonly from: number;
  readonly to: number;
  readonly hash: number;
}

/** What is known by a name, found by its bytes in either case. */
export class NameTable<T> {
  readonly #slots: { readonly bytes: Buffer; readonly value: T }[][] = Array.from({ length: slotCount }, () => []);

  constructor(entries: Iterable<readonly [name: string, value: T]>) {
    for (const [name, value] of entries) {
      const bytes = Buffer.from(name, 'latin1');
      this.#slots[bytes.reduce(nextHash, firstHash) & (slotCount - 1)]?.push({ bytes, value });
    }
  }

  find(bytes: Buffer, { from, to, hash }: NamePlace): T | undefined {
    for (const known of this.#slots[hash & (slotCount - 1)] ?? []) {
      if (known.bytes.length === to - from && isSame(known.bytes, { bytes, from })) return known.value;
    }
    return undefined;
  }
}

function isSame(known: Buffer, { bytes, from }: { bytes: Buffer; from: number }): boolean {
  for (let at = 0; at < known.length; at++) {
    if (tokenBytes[bytes[from + at] ?? 0] !== known[at]) return false;
  }
  return true;
}

const requestNames = new NameTable(frequentNames.map((name) => [name, name]));

/**
 * The lower-case name at `from` … `to` (attacker-controlled, all token bytes). A name off the list is copied and not cut out of
 * a larger string, because names are remembered and would hold that string.
 */
export function nameAt(bytes: Buffer, place: NamePlace): string {
  return requestNames.find(bytes, place) ?? bytes.toString('latin1', place.from, place.to).toLowerCase();
}
