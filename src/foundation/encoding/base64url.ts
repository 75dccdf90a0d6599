const alphabet = /^[A-Za-z0-9_-]*$/;

/** Bytes to unpadded base64url, RFC 4648 section 5. */
export function toBase64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}

/** An identifier of these bytes, for people too: base64url as asIdentifier() has it. */
export function toIdentifier(bytes: Uint8Array): string {
  return asIdentifier(toBase64url(bytes));
}

/**
 * Base64url that people can give to commands: never with a hyphen in front, since a command would take `-x…` for an option. An `A`
 * stands in its place; nothing decodes an identifier.
 */
export function asIdentifier(base64url: string): string {
  return base64url.startsWith('-') ? `A${base64url.slice(1)}` : base64url;
}

/** Unpadded base64url to bytes. Undefined for padding, white space, foreign characters or a non-canonical tail. */
export function fromBase64url(text: string): Uint8Array | undefined {
  if (!alphabet.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
