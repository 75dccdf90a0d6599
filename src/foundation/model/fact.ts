import { z } from 'zod';

/** Names that people choose and that become host labels, policy ids and file names: lower-case, DNS-label safe. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'may have lower-case letters, digits and inner hyphens, at most 63 characters',
  );

/** Login names: like names, but dots, underscores, plus and at signs may stand inside. */
export const loginNameSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._+@-]{0,126}[a-z0-9])?$/,
    'may have lower-case letters, digits and `. _ + @ -` inside, at most 128 characters',
  );

const idSchema = z.string().min(1).max(200);
const wordsSchema = z.string().max(500);
/** Integer milliseconds since the Unix epoch. */
export const timeSchema = z.int().min(0);

export const sensitivitySchema = z.enum(['public', 'low', 'medium', 'high']);
export const originSchema = z.enum(['builtin', 'config', 'api']);

/** A person. `groups` holds ids of `Group` facts. */
export const userSchema = z.strictObject({
  name: loginNameSchema,
  displayName: wordsSchema,
  email: z.string().max(320).nullable(),
  status: z.enum(['active', 'suspended']),
  groups: z.array(nameSchema).max(200),
  /** `local`, or the name of the OpenID Provider the person comes from. */
  source: z.string().max(63),
  createdAt: timeSchema,
});

/** A set of users; groups nest by `memberOf`. */
export const groupSchema = z.strictObject({
  displayName: wordsSchema,
  description: wordsSchema,
  memberOf: z.array(nameSchema).max(50),
  origin: originSchema,
});

/** A set of resources of one sensitivity; segments nest by `within`. */
export const segmentSchema = z.strictObject({
  displayName: wordsSchema,
  within: nameSchema.nullable(),
  sensitivity: sensitivitySchema,
  origin: originSchema,
});

/** A path pattern of whole segments: `/admin/**`, `/api/*\/items`; `*` is one segment, a final `**` any rest. */
export const routeSchema = z.strictObject({
  path: z.string().startsWith('/').max(1000),
  /** What policies see as `context.route`. */
  label: nameSchema,
  /** Accept percent-encoded slashes inside a segment here (npm and GitLab ask for `%2F`). */
  encodedSlash: z.boolean().default(false),
});

/** An app behind the gateway at `https://<id>.<apps domain>`. */
export const resourceSchema = z.strictObject({
  kind: z.literal('app'),
  displayName: wordsSchema,
  description: wordsSchema,
  segment: nameSchema.nullable(),
  /** `http://host:port`, `https://host`, `h2c://host:port` (cleartext HTTP/2), or `unix:` for our own services. */
  upstream: z.string().max(2000),
  allowPrivate: z.boolean(),
  /** Send the browser's Host upstream instead of the upstream's own. */
  preserveHost: z.boolean(),
  routes: z.array(routeSchema).max(200),
  /** Let cross-origin preflights (`OPTIONS` with `Access-Control-Request-Method`) pass without a session. */
  corsPreflight: z.boolean(),
  /** Does the app cookie also speak for requests that pages of other origins send? The app must then defend itself (CSRF, CORS). */
  crossOriginCookie: z.boolean(),
  /** May a person who is refused ask for a grant here? */
  requestable: z.boolean(),
  origin: originSchema,
});

/** One login. App cookies are its children and die with it. */
export const sessionSchema = z.strictObject({
  user: idSchema,
  credential: z.enum(['passkey', 'recovery', 'federated']),
  /** The OpenID Provider that vouched, `local` for our own passkeys. */
  provider: z.string().max(63),
  phishingResistant: z.boolean(),
  /** When the person last proved who they are. */
  authTime: timeSchema,
  createdAt: timeSchema,
  idleMs: z.int().positive(),
  expiresAt: timeSchema,
  /** Is the session bound to a key in the device (DBSC, mutual TLS)? */
  bound: z.boolean(),
  status: z.enum(['active', 'revoked', 'expired']),
  endedReason: wordsSchema.nullable(),
  userAgent: wordsSchema,
});

/** `previousUntil` of a cookie whose newest value nobody has shown yet: it may never have reached the browser. */
export const cookieNotUsedYet = Number.MAX_SAFE_INTEGER;

/** A cookie that one app host holds for a session: only SHA-256 hashes (base64url) of the opaque values are kept. */
export const appCookieSchema = z.strictObject({
  session: idSchema,
  resource: nameSchema,
  hash: z.string(),
  /** The value before the last rotation, accepted until `previousUntil`, which is set when the new one is first used. */
  previousHash: z.string().nullable(),
  previousUntil: timeSchema,
  rotatedAt: timeSchema,
});

/** A token for a program that cannot sign in: acts as its owner, narrowed to its scopes. */
export const tokenSchema = z.strictObject({
  label: wordsSchema,
  owner: z.strictObject({ type: z.enum(['User', 'Workload']), id: idSchema }),
  /** SHA-256 of the value; of a caller by certificate `spki:` and `keyHash`, which no value hashes to. */
  hash: z.string(),
  /** SHA-256 (base64url) of the SubjectPublicKeyInfo by whose certificate the caller shows itself, in place of a value. */
  keyHash: z.string().exactOptional(),
  scopes: z.array(z.string().max(100)).min(1).max(50),
  createdAt: timeSchema,
  expiresAt: timeSchema,
  status: z.enum(['active', 'revoked']),
});

/** Just-in-time access of one user to one resource. */
export const grantSchema = z.strictObject({
  user: idSchema,
  resource: nameSchema,
  state: z.enum(['requested', 'active', 'denied', 'revoked', 'expired']),
  reason: wordsSchema,
  requestedAt: timeSchema,
  decidedBy: z.string().max(300).nullable(),
  decidedAt: timeSchema.nullable(),
  /** How long it shall run once approved, milliseconds. */
  durationMs: z.int().positive(),
  expiresAt: timeSchema.nullable(),
});

/** Characters of a publication's parsed form: ten thousand usual policies need a tenth of it. */
export const parsedFormLengthMax = 16 * 1024 * 1024;

/** Of whom a staged policy is in force: a share of all subjects, requests to some segments, or members of some groups. */
export const policyStageSchema = z.union([
  z.strictObject({ percent: z.int().min(0).max(100) }),
  z.strictObject({ segments: z.array(nameSchema).min(1).max(100) }),
  z.strictObject({ groups: z.array(nameSchema).min(1).max(100) }),
]);

/** A policy that is not enforced for everyone. `shadow`: evaluated and logged only. */
export const policyStateSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('shadow') }),
  z.strictObject({ state: z.literal('staged'), stage: policyStageSchema }),
]);

/** States by policy id; a policy that is not named is enforced. A list, because policy ids are any text. */
export const policyStatesSchema = z
  .array(
    z.discriminatedUnion('state', [
      policyStateSchema.options[0].extend({ id: idSchema }),
      policyStateSchema.options[1].extend({ id: idSchema }),
    ]),
  )
  .max(10_000);

/** Texts of tests or invariants that belong to a policy set. */
const policyTextsSchema = z.array(z.strictObject({ file: z.string().max(300), text: z.string() })).max(1_000);

/** Where policies came from, as Git told whoever published them. */
export const gitOriginSchema = z.strictObject({
  commit: z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'is no commit id'),
  /** Of the commit: name and address, as its author chose them. */
  author: wordsSchema,
  /** Published although the working tree differed from the commit. */
  isDirty: z.boolean(),
  /** The word of whoever published; otherwise control asked Git itself. */
  isStated: z.boolean().default(true),
});

/** Gates that a publication did not pass, and why it was published all the same. */
export const publicationOverrideSchema = z.strictObject({
  reason: wordsSchema.min(1),
  gates: z.array(z.enum(['kept-checks', 'tests', 'invariants'])).min(1),
});

/**
 * The policies in force: id `current`. `parsed` is what gateways compile, written by `#decision/engine`; null in publications of
 * earlier versions. `manifest` is a compact JWS by the signer over the hashes of texts, states and parsed form.
 */
export const publicationSchema = z.strictObject({
  sequence: z.int().positive(),
  schema: z.string(),
  policies: z.array(z.strictObject({ file: z.string().max(300), text: z.string() })).max(10_000),
  author: z.string().max(300),
  message: wordsSchema,
  publishedAt: timeSchema,
  parsed: z.string().max(parsedFormLengthMax).nullable().default(null),
  states: policyStatesSchema.default([]),
  tests: policyTextsSchema.default([]),
  invariants: policyTextsSchema.default([]),
  git: gitOriginSchema.nullable().default(null),
  override: publicationOverrideSchema.nullable().default(null),
  manifest: z.string(),
});

/** A policy set that somebody works on and nothing judges by; its name is the id. */
export const policyDraftSchema = z.strictObject({
  schema: z.string().max(1_000_000),
  policies: z.array(z.strictObject({ file: z.string().max(300), text: z.string() })).max(10_000),
  tests: policyTextsSchema,
  invariants: policyTextsSchema,
  author: z.string().max(300),
  message: wordsSchema,
  savedAt: timeSchema,
});

/** The key that seals journal payloads about one subject (base64url, 32 bytes); deleting it erases them. */
export const journalKeySchema = z.strictObject({ key: z.string() });

/** A gateway on another machine; its name is the id. Removed: nobody of that name is let in. */
export const gatewaySchema = z.strictObject({
  status: z.enum(['invited', 'active']),
  /** SHA-256 (base64url) of the public key (SubjectPublicKeyInfo) that its certificates must have; null before it joined. */
  keyHash: z.string().max(100).nullable(),
  /** SHA-256 (base64url) of the one-time secret, while it waits to be used. */
  enrolment: z.strictObject({ hash: z.string().max(100), expiresAt: timeSchema }).nullable(),
  createdAt: timeSchema,
  joinedAt: timeSchema.nullable(),
});

const cedarUidSchema = z.strictObject({ type: z.string().min(1).max(500), id: z.string().max(1_000) });

/**
 * A thing that an application of its own asks the PDP about, as Cedar's entity JSON writes it; the id of the fact is its uid in Cedar
 * syntax. Its type lies in a namespace of the published schema: types without one are our own, and made from other facts.
 */
export const entitySchema = z.strictObject({
  uid: cedarUidSchema,
  attrs: z.record(z.string().max(500), z.json()),
  parents: z.array(cedarUidSchema).max(200),
  tags: z.record(z.string().max(500), z.json()).optional(),
});

/** Every kind of fact, under the name used in the store, the change feed and the API. */
export const factSchemas = {
  user: userSchema,
  group: groupSchema,
  segment: segmentSchema,
  resource: resourceSchema,
  session: sessionSchema,
  'app-cookie': appCookieSchema,
  token: tokenSchema,
  grant: grantSchema,
  publication: publicationSchema,
  'policy-draft': policyDraftSchema,
  'journal-key': journalKeySchema,
  gateway: gatewaySchema,
  entity: entitySchema,
} as const;

export type FactKind = keyof typeof factSchemas;
export type FactOf<K extends FactKind> = z.infer<(typeof factSchemas)[K]>;
export type User = FactOf<'user'>;
export type Group = FactOf<'group'>;
export type Segment = FactOf<'segment'>;
export type Route = z.infer<typeof routeSchema>;
export type Resource = FactOf<'resource'>;
export type Session = FactOf<'session'>;
export type AppCookie = FactOf<'app-cookie'>;
export type Token = FactOf<'token'>;
export type Grant = FactOf<'grant'>;
export type StoredEntity = FactOf<'entity'>;
export type GatewayFact = FactOf<'gateway'>;
export type Publication = FactOf<'publication'>;
export type PolicyDraft = FactOf<'policy-draft'>;
export type PolicyStage = z.infer<typeof policyStageSchema>;
export type PolicyState = z.infer<typeof policyStateSchema>;
export type PolicyStates = z.infer<typeof policyStatesSchema>;
export type GitOrigin = z.infer<typeof gitOriginSchema>;

/** A fact as it stands at a revision. `body` is null when it was removed there. */
export interface FactRow<K extends FactKind = FactKind> {
  readonly kind: K;
  readonly id: string;
  readonly revision: number;
  readonly body: FactOf<K> | null;
}

/** Names a fact. */
export interface FactId {
  readonly kind: FactKind;
  readonly id: string;
}

/** A consistent view of all current facts, at one revision. */
export interface FactView {
  readonly epoch: number;
  readonly revision: number;
  get<K extends FactKind>(kind: K, id: string): FactOf<K> | undefined;
  all<K extends FactKind>(kind: K): IterableIterator<[id: string, body: FactOf<K>]>;
  /** The app cookie (current or in its rotation grace) with this SHA-256 hash, base64url. */
  appCookieByHash(hash: string): { id: string; body: AppCookie } | undefined;
  /** The app cookie that had this hash before its last rotation, once the grace is over: whoever shows it holds a copy. */
  replacedAppCookieByHash(hash: string): { id: string; body: AppCookie } | undefined;
  tokenByHash(hash: string): { id: string; body: Token } | undefined;
  grantsOf(user: string): readonly { id: string; body: Grant }[];
  sessionsOf(user: string): readonly { id: string; body: Session }[];
  /**
   * Every fact that may stand otherwise now than at another revision of the same epoch, some of them perhaps more than once; undefined
   * when that is not known (any more).
   */
  changesSince?(revision: number): readonly FactId[] | undefined;
}
