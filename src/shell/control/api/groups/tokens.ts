import { z } from 'zod';
import { namespaceOf } from '#decision/administration';
import { vocabularyOf } from '#decision/engine';
import { formatUid, nameSchema, parsePdpScope } from '#foundation/model';
import { mayAdminister } from '../authorise.ts';
import type { Caller } from '../caller.ts';
import { change } from '../change.ts';
import { certificateLengthMax, keyHashIn } from '../key-hash-in.ts';
import { newestFirst, pageOf, pageQuery, paginate } from '../page.ts';
import { nearestWords, problem } from '../problem.ts';
import { nouns, type Route, route } from '../route.ts';
import type { ApiServices } from '../services.ts';
import { idParams, tokenView, viewAll, viewFact, viewToken } from '../view.ts';

const hourMs = 3_600_000;
const tokenLifetimeMsMax = 366 * 24 * hourMs;

const scopeSchema = z
  .string()
  .max(100)
  .refine(
    isScope,
    'must be `admin`, `read`, `<noun>:read`, `<noun>:write`, `app:<name>`, `app:<name>:read`, `pdp`, `pdp:app:<name>` or `pdp:namespace:<Namespace>`, the last two also with `:search`',
  );

function isScope(text: string): boolean {
  if (text === 'admin' || text === 'read' || parsePdpScope(text) !== undefined) return true;
  const [noun, right, more, ...rest] = text.split(':');
  if (rest.length > 0) return false;
  if (noun === 'app') return nameSchema.safeParse(right).success && (more === undefined || more === 'read');
  return nouns.some((each) => each === noun) && (right === 'read' || right === 'write') && more === undefined;
}

const createBody = z.strictObject({
  label: z.string().min(1).max(500),
  scopes: z.array(scopeSchema).min(1).max(50),
  lifetimeMs: z.int().min(60_000).max(tokenLifetimeMsMax),
  /** Login name or id of the user it acts as; the caller when left out. */
  owner: z.string().max(200).optional(),
  /**
   * A client certificate in PEM, whoever issued it: what holds its key is the caller, on the listener of the PDP that takes certificates,
   * and no value is made. Only for scopes of the PDP.
   */
  certificate: z.string().max(certificateLengthMax).optional(),
});

/** The app that a scope names. */
function appOf(scope: string): string | undefined {
  const [noun, name] = scope.split(':');
  return noun === 'app' ? name : parsePdpScope(scope)?.app;
}

/** Namespaces of applications in the schema that is in force. */
function namespacesOf(services: ApiServices): string[] {
  const { entityTypes, actions } = vocabularyOf(services.policies()?.compiled.schemaJson ?? null);
  const found = [...entityTypes.keys(), ...actions.keys()].map(namespaceOf);
  return [...new Set(found)].filter((each) => each !== '');
}

/** A scope for an app or a namespace that is not there is a slip of the pen, and one for whoever takes that name later. Throws ApiProblem. */
function refuseStrayScopes(services: ApiServices, caller: Caller, scopes: readonly string[]): void {
  for (const scope of scopes) {
    const namespace = parsePdpScope(scope)?.namespace;
    if (namespace !== undefined && !namespacesOf(services).includes(namespace)) {
      const known = mayAdminister(services, caller, { noun: 'policy', action: 'read' }) ? namespacesOf(services) : [];
      const words = `\`${scope}\`: the schema in force has no namespace \`${namespace}\``;
      throw problem(400, 'unknown-namespace', `${words}${nearestWords(namespace, known)}`);
    }
    const app = appOf(scope);
    if (app === undefined || services.facts.get('resource', app) !== undefined) continue;
    const mayRead = mayAdminister(services, caller, { noun: 'resource', action: 'read' });
    const known = mayRead ? [...services.facts.all('resource')].map(([id]) => id) : [];
    throw problem(400, 'unknown-app', `\`${scope}\`: there is no app \`${app}\`${nearestWords(app, known)}`);
  }
}

function ownerOf(
  services: ApiServices,
  caller: Caller,
  owner: string | undefined,
): { type: 'User' | 'Workload'; id: string } {
  if (owner === undefined) {
    return caller.user === null ? { type: 'Workload', id: caller.uid.id } : { type: 'User', id: caller.user.id };
  }
  const found = [...services.facts.all('user')].find(([id, user]) => user.name === owner || id === owner);
  // Whoever makes a token for somebody else acts as them: only the operator of the machine, for programs of theirs.
  if (!caller.isOperator && found?.[0] !== caller.user?.id) {
    throw problem(403, 'other-owner', 'you can make tokens for yourself only; for others, do it on the machine itself');
  }
  if (found === undefined) throw problem(400, 'unknown-user', `there is no user \`${owner}\``);
  return { type: 'User', id: found[0] };
}

export const tokenRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tokens',
    noun: 'token',
    action: 'read',
    summary: 'Lists app tokens, newest first',
    query: z.strictObject({ ...pageQuery, status: z.enum(['active', 'revoked']).optional() }),
    answer: pageOf(tokenView),
    handle: async ({ services, query }) => {
      const tokens = [...viewAll(services, 'token')]
        .filter((token) => query.status === undefined || token.status === query.status)
        .map(viewToken);
      return {
        body: paginate(tokens, {
          ...query,
          cursor: query.cursor,
          keyOf: (each) => newestFirst(each.createdAt, each.id),
        }),
      };
    },
  }),
  route({
    method: 'POST',
    path: '/tokens',
    noun: 'token',
    action: 'write',
    summary:
      'Makes a token for a program that cannot sign in; the value is shown once, and is null for one that shows a certificate',
    body: createBody,
    answer: tokenView.extend({ token: z.string().nullable() }),
    status: 201,
    handle: async ({ services, caller, body }) => {
      // A token must not make a wider or longer-lived one of itself.
      if (caller.tokenId !== null)
        throw problem(403, 'token-caller', 'a token cannot make tokens; do it signed in, or on the machine itself');
      refuseStrayScopes(services, caller, body.scopes);
      const { label, scopes, lifetimeMs, certificate } = body;
      const request = { label, owner: ownerOf(services, caller, body.owner), scopes, lifetimeMs };
      const by = formatUid(caller.uid);
      const { id, token } =
        certificate === undefined
          ? await services.identity.createToken(request, by)
          : {
              ...(await services.identity.createKeyCaller(
                { ...request, keyHash: keyHashIn(certificate, { scopes, now: services.clock() }) },
                by,
              )),
              token: null,
            };
      const made = viewToken(viewFact(services, 'token', id));
      return { body: { ...made, token }, revision: made.revision };
    },
  }),
  route({
    method: 'GET',
    path: '/tokens/:id',
    noun: 'token',
    action: 'read',
    summary: 'Shows one token, without its value',
    params: idParams,
    answer: tokenView,
    handle: async ({ services, params }) => {
      const token = viewToken(viewFact(services, 'token', params.id));
      return { body: token, revision: token.revision };
    },
  }),
  route({
    method: 'POST',
    path: '/tokens/:id/revoke',
    noun: 'token',
    action: 'write',
    summary: 'Ends a token at once',
    params: idParams,
    body: z.strictObject({}),
    answer: tokenView,
    handle: async ({ services, caller, params }) => {
      await change(services, caller, {
        activity: 'update',
        message: 'revoked a token',
        entity: { type: 'token', uid: params.id },
        prepare: () => {
          const { id, revision, ...token } = viewFact(services, 'token', params.id);
          return [{ kind: 'token', id, body: { ...token, status: 'revoked' }, expectedRevision: revision }];
        },
      });
      const token = viewToken(viewFact(services, 'token', params.id));
      return { body: token, revision: token.revision };
    },
  }),
];
