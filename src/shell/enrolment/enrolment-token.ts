const part = /^[A-Za-z0-9_-]{43}$/;

/** What `nullius gateway add` shows once. */
export interface EnrolmentToken {
  /** 32 random bytes, base64url. */
  readonly secret: string;
  /** SHA-256 (base64url) of the CA certificate (DER) that control is known by. */
  readonly caHash: string;
}

export function formatEnrolmentToken({ secret, caHash }: EnrolmentToken): string {
  return `${secret}.${caHash}`;
}

/** Undefined when the text is no such token. */
export function parseEnrolmentToken(text: string): EnrolmentToken | undefined {
  const [secret = '', caHash = '', ...rest] = text.trim().split('.');
  return rest.length === 0 && part.test(secret) && part.test(caHash) ? { secret, caHash } : undefined;
}
