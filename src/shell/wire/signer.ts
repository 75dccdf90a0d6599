import type { JWK } from 'jose';

/** What may be said about a key that the signer holds. Times in milliseconds. */
export interface HeldKeyStatement {
  readonly purpose: 'token' | 'statement' | 'ca' | 'peer-ca';
  readonly keyId: string;
  readonly algorithm: string;
  readonly createdAt: number;
  /** `announced`: shown, does not sign yet. `retiring`: signs no more, still verifies until `shownUntil`. */
  readonly state: 'announced' | 'signing' | 'retiring';
  readonly signsFrom: number;
  readonly shownUntil: number | null;
}

/**
 * The signer's protocol: HTTP/1.1 over its socket, `POST /<name>`, JSON both ways, `Authorization: Bearer`. The signer
 * parses and re-checks what it signs: it never signs opaque bytes for a purpose it cannot read.
 */
export interface SignerCalls {
  /** Public halves of every key it holds, by purpose. */
  keys: {
    request: Record<string, never>;
    answer: {
      /** The one that signs stands first. */
      readonly token: readonly JWK[];
      readonly statement: readonly JWK[];
      readonly caPem: string;
      /** CA between control and gateways on other machines; it speaks for names under `nullius.internal` only. */
      readonly peerCaPem: string;
      readonly held: readonly HeldKeyStatement[];
    };
  };
  /**
   * Makes a new token key: shown at once, signing after `leadMs`, so that whoever keeps our JWK set has it by then; the old one
   * stays shown `overlapMs` more. `leaked`: the new one signs now and no other is shown any more. Answers like `keys`.
   */
  'rotate-token-key': {
    request: { readonly leadMs: number; readonly overlapMs: number; readonly leaked: boolean };
    answer: SignerCalls['keys']['answer'];
  };
  /** Signs a JWS signing input (`header.payload`) as the OpenID Provider: ID tokens and the like; `iss` and lifetimes are checked. */
  'sign-token': {
    request: { readonly signingInput: string; readonly keyId: string };
    answer: { readonly signature: string };
  };
  /** Signs Nullius-Assertions, lifetime at most 60 s: the answers stand in the order of the claims. */
  'sign-assertions': {
    request: { readonly claims: readonly Readonly<Record<string, unknown>>[] };
    answer: { readonly signed: readonly ({ readonly jwt: string } | { readonly refused: string })[] };
  };
  /** Signs a statement: snapshot, publication manifest or journal checkpoint, each with its own `typ`, checked field by field. */
  'sign-statement': {
    request: {
      readonly purpose: 'snapshot' | 'publication' | 'checkpoint';
      readonly statement: Readonly<Record<string, unknown>>;
    };
    answer: { readonly jws: string };
  };
  /** Issues a server certificate for a CSR whose names lie under the domains it was told. */
  'issue-certificate': {
    request: { readonly csrPem: string; readonly names: readonly string[]; readonly lifetimeMs: number };
    answer: { readonly chainPem: string; readonly notAfter: number };
  };
  /**
   * A certificate for control's listener for gateways, or for a gateway that shows itself there. The names and what it may be
   * used for follow from the role: no gateway's certificate can pass for control's.
   */
  'issue-peer-certificate': {
    request: { readonly csrPem: string; readonly role: 'control' | 'gateway'; readonly name: string };
    answer: { readonly chainPem: string; readonly notAfter: number };
  };
  /** Envelope encryption: new or existing data keys, wrapped under the root key with their purpose as associated data. */
  'data-key/create': {
    request: { readonly purpose: string };
    answer: { readonly key: string; readonly wrapped: string };
  };
  'data-key/unwrap': {
    request: { readonly purpose: string; readonly wrapped: string };
    answer: { readonly key: string };
  };
  /** Rewraps a data key under the newest root key, after a rotation. */
  'data-key/rewrap': {
    request: { readonly purpose: string; readonly wrapped: string };
    answer: { readonly wrapped: string };
  };
}
