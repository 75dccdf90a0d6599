import { z } from 'zod';
import { nameSchema, sensitivitySchema } from '#foundation/model';
import { durationSchema } from './duration-schema.ts';
import { parseListen } from './listen.ts';

const secondMs = 1000;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const mebibyte = 1024 * 1024;

/** Host names of our own; no app may take them. */
export const reservedHosts: readonly string[] = ['id', 'console', 'pdp', 'device'];

const domainSchema = z
  .string()
  .max(200)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/,
    'is no domain name; write lower-case labels joined by dots, such as `example.com`',
  );

const listenSchema = z.string().transform((text, context) => {
  const address = parseListen(text);
  if (address === undefined) {
    context.addIssue({
      code: 'custom',
      message: 'is no listener; write an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`, or `off`',
    });
    return z.NEVER;
  }
  return address;
});

/** A secret is never written into the configuration, only the file that holds it. */
const secretFileSchema = z.strictObject({ file: z.string().min(1) });

const providerSchema = z.strictObject({
  name: nameSchema.refine((name) => name !== 'local', 'is kept for our own passkeys; choose another name'),
  displayName: z.string().max(100).optional(),
  issuer: z.url({ protocol: /^https?$/ }),
  clientId: z.string().min(1).max(500),
  clientSecret: secretFileSchema.optional(),
  scopes: z.array(z.string().max(100)).max(20).default(['openid', 'profile', 'email']),
  groupsClaim: z.string().max(200).optional(),
  /** The provider's group (name or object id) to our group. */
  groups: z.record(z.string().max(300), nameSchema).default({}),
  /** Accept people without an account here: it is made at their first sign-in. */
  createUsers: z.boolean().default(true),
  /** The provider says by `amr`/`acr` whether the credential was phishing-resistant; without it, it was not. */
  phishingResistantAmr: z.array(z.string().max(100)).max(20).default([]),
});

const routeSchema = z.strictObject({
  path: z.string().startsWith('/', 'must start with `/`').max(1000),
  label: nameSchema,
  encodedSlash: z.boolean().default(false),
});

const resourceSchema = z.strictObject({
  name: nameSchema,
  kind: z.literal('app').default('app'),
  displayName: z.string().max(500).optional(),
  description: z.string().max(500).default(''),
  segment: nameSchema.optional(),
  upstream: z.string().max(2000),
  allowPrivate: z.boolean().default(false),
  preserveHost: z.boolean().default(false),
  routes: z.array(routeSchema).max(200).default([]),
  corsPreflight: z.boolean().default(false),
  crossOriginCookie: z.boolean().default(false),
  requestable: z.boolean().default(true),
});

const segmentSchema = z.strictObject({
  name: nameSchema,
  displayName: z.string().max(500).optional(),
  within: nameSchema.optional(),
  sensitivity: sensitivitySchema.default('low'),
});

const groupSchema = z.strictObject({
  name: nameSchema,
  displayName: z.string().max(500).optional(),
  description: z.string().max(500).default(''),
  memberOf: z.array(nameSchema).max(50).default([]),
});

/** Every key of `nullius.yaml`. An empty file is a valid configuration. */
export const configSchema = z.strictObject({
  domain: domainSchema.default('localhost'),
  appsDomain: domainSchema.optional(),
  publicPort: z.int().min(1).max(65_535).optional(),
  store: z
    .union([
      z.literal('sqlite'),
      z.string().regex(/^postgres(?:ql)?:\/\//, 'must be `sqlite` or a URL such as `postgres://user@host/database`'),
      z.strictObject({ url: z.string().regex(/^postgres(?:ql)?:\/\//), password: secretFileSchema.optional() }),
    ])
    .default('sqlite'),
  listen: z
    .strictObject({
      plain: listenSchema.prefault('127.0.0.1:8080'),
      tls: listenSchema.prefault('127.0.0.1:8443'),
      operations: listenSchema.prefault('127.0.0.1:8081'),
      pdp: listenSchema.prefault('off'),
      /** Where callers of the PDP show a client certificate. */
      pdpTls: listenSchema.prefault('off'),
      /** Gateways on other machines follow control here, by mutual TLS. */
      gateways: listenSchema.prefault('off'),
    })
    .prefault({}),
  tls: z
    .strictObject({
      certificate: z.string().optional(),
      key: z.string().optional(),
      minVersion: z.enum(['1.2', '1.3']).default('1.3'),
      /** Connections that one client address may hold (IPv6: one /64). Behind a load balancer all come from one. */
      connectionsPerAddress: z.int().min(1).max(20_000).default(1_000),
      acme: z
        .strictObject({
          directory: z.url({ protocol: /^https$/ }).default('https://acme-v02.api.letsencrypt.org/directory'),
          email: z.email(),
          agreeToTerms: z.literal(true, 'must be `true`: read the terms of the directory first'),
          /** PEM of the directory's own CA, for a private ACME server. */
          caFile: z.string().optional(),
        })
        .optional(),
    })
    .prefault({}),
  identity: z.strictObject({ providers: z.array(providerSchema).max(20).default([]) }).prefault({}),
  resources: z.array(resourceSchema).max(10_000).default([]),
  segments: z.array(segmentSchema).max(1000).default([]),
  groups: z.array(groupSchema).max(1000).default([]),
  /** A folder, or a folder of a Git working tree: then commit, author and message come from Git. */
  policies: z
    .union([
      z.string().min(1),
      z.strictObject({ git: z.strictObject({ folder: z.string().min(1), allowDirty: z.boolean().default(false) }) }),
    ])
    .optional(),
  demo: z.boolean().optional(),
  session: z
    .strictObject({
      idle: durationSchema({ minMs: 60 * secondMs, maxMs: 30 * dayMs }).prefault('1h'),
      lifetime: durationSchema({ minMs: 60 * secondMs, maxMs: 90 * dayMs }).prefault('12h'),
    })
    .prefault({}),
  lease: durationSchema({ minMs: 0, maxMs: hourMs }).prefault('60s'),
  journal: z
    .strictObject({
      sync: z.enum(['interval', 'before-answer']).default('interval'),
      retentionDays: z.int().min(1).max(36_500).default(365),
      gatewayBytes: z
        .int()
        .min(mebibyte)
        .max(2 ** 50)
        .default(16 * 1024 * mebibyte),
    })
    .prefault({}),
  keys: z.strictObject({ root: z.strictObject({ file: z.string().min(1) }).optional() }).prefault({}),
});

export type Config = z.infer<typeof configSchema>;

/** Paths (array indexes left out) whose values are secrets or may carry one: never quoted, never taken by `--set`. */
export const secretPaths: readonly string[] = ['identity.providers.clientSecret', 'store'];

/** Where policies come from: the folder as the configuration writes it, and what Git shall say of it. */
export function policySource(
  policies: Config['policies'],
): { readonly folder: string; readonly git: { readonly allowDirty: boolean } | null } | undefined {
  if (policies === undefined) return undefined;
  if (typeof policies === 'string') return { folder: policies, git: null };
  const { folder, allowDirty } = policies.git;
  return { folder, git: { allowDirty } };
}
