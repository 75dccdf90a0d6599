import type { AccessSubject } from '#decision/analysis';
import type { AdminAction, FactView, Question, Resource } from '#foundation/model';
import { appActions, appQuestion } from './app-question.ts';
import { notFound, problem } from './problem.ts';
import { type Noun, nouns } from './route.ts';
import type { ApiServices } from './services.ts';

export const adminActions = ['administer-read', 'administer-write'] as const;
export const accessActions = [...appActions, ...adminActions] as const;
export type AskedAction = (typeof accessActions)[number];

/** What the administration API is called where a resource is asked for. No app has this name. */
export const controlResource = 'Service::"control"';

const isAdmin = (action: AskedAction): action is AdminAction => action.startsWith('administer-');

/** What the API would ask about itself, but for who asks. */
export function adminQuestion(
  services: Pick<ApiServices, 'urls'>,
  { action, noun }: { action: AdminAction; noun: Noun },
): Omit<Question, 'asker'> {
  return {
    action,
    resource: { type: 'Service', id: 'control' },
    request: {
      method: action === 'administer-read' ? 'GET' : 'POST',
      host: `console.${services.urls.domain}`,
      path: '/',
      route: 'default',
      address: '127.0.0.1',
      tls: services.urls.scheme === 'https',
      noun,
    },
  };
}

interface Asked {
  readonly action: AskedAction;
  readonly resource: string;
  readonly route?: string | undefined;
  readonly noun?: Noun | undefined;
}

function* namesOf<T>(
  facts: Iterable<readonly [string, T]>,
  nameOf: (id: string, body: T) => string,
): Generator<string> {
  for (const [id, body] of facts) yield nameOf(id, body);
}

/** One question as a person puts it, who may read apps. Throws ApiProblem for what makes no question. */
export function accessQuestion(
  services: Pick<ApiServices, 'urls' | 'facts'>,
  { action, resource, route, noun }: Asked,
): Omit<Question, 'asker'> {
  if (resource === controlResource) {
    if (!isAdmin(action)) {
      throw problem(400, 'invalid', `the administration API knows ${adminActions.join(' and ')}, not \`${action}\``);
    }
    if (noun === undefined) throw problem(400, 'invalid', `say what is administered: \`noun\`, such as \`user\``);
    return adminQuestion(services, { action, noun });
  }
  if (services.facts.get('resource', resource) === undefined) {
    const known = [...namesOf(services.facts.all('resource'), (id) => id), controlResource];
    throw notFound('resource', resource, known);
  }
  if (isAdmin(action)) {
    throw problem(
      400,
      'invalid',
      `\`${action}\` is asked of \`${controlResource}\`; apps know ${appActions.join(', ')}`,
    );
  }
  return appQuestion(services, resource, { action, route });
}

/** Labels that requests to an app can have; `default` where something lies on no route. */
function routesOf({ routes }: Pick<Resource, 'routes'>): string[] {
  const labels = routes.map(({ label }) => label);
  return [...new Set(routes.some(({ path }) => path === '/**') ? labels : [...labels, 'default'])];
}

/** What is asked together: all actions on an app at one route, or on one noun of the administration API. */
export interface AccessPlace {
  readonly resource: string;
  /** Label of the route, or the noun. */
  readonly part: string;
  readonly questions: readonly Omit<Question, 'asker'>[];
}

/** Everything that can be asked for, apps in the order of their names, then the administration API. */
export function* accessPlaces(services: Pick<ApiServices, 'urls'> & { facts: FactView }): Generator<AccessPlace> {
  const apps = [...services.facts.all('resource')].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [resource, body] of apps) {
    for (const part of routesOf(body)) {
      const questions = appActions.map((action) =>
        appQuestion(services as ApiServices, resource, { action, route: part }),
      );
      yield { resource, part, questions };
    }
  }
  for (const part of nouns) {
    const questions = adminActions.map((action) => adminQuestion(services, { action, noun: part }));
    yield { resource: controlResource, part, questions };
  }
}

/** Whom a person, who may read people, names: exactly one member is given. Throws ApiProblem. */
export function namedSubject(
  view: FactView,
  named: { user?: string | undefined; token?: string | undefined; who?: 'stranger' | 'operator' | undefined },
): AccessSubject {
  const { user, token, who } = named;
  if ([user, token, who].filter((each) => each !== undefined).length !== 1) {
    throw problem(400, 'invalid', 'say about whom: one of `user`, `token` and `who`');
  }
  if (who !== undefined) return { kind: who };
  if (user !== undefined) {
    const body = view.get('user', user);
    if (body === undefined)
      throw notFound(
        'user',
        user,
        namesOf(view.all('user'), (_id, { name }) => name),
      );
    return { kind: 'user', person: { id: user, body } };
  }
  const id = token ?? '';
  const body = view.get('token', id);
  if (body === undefined) throw notFound('token', id);
  return { kind: 'token', id, label: body.label, owner: body.owner };
}
