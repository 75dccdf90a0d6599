import type { Question, Resource } from '#foundation/model';
import type { ApiServices } from './services.ts';

export const appActions = ['read', 'write', 'delete', 'connect'] as const;
export type AppAction = (typeof appActions)[number];

const methods = { read: 'GET', write: 'POST', delete: 'DELETE', connect: 'GET' } as const;

/** Label of the route that the app's first page lies in. */
export function firstRoute(resource: Pick<Resource, 'routes'> | undefined): string {
  return resource?.routes.find(({ path }) => path === '/' || path === '/**')?.label ?? 'default';
}

interface Asked {
  readonly action: AppAction;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly route?: string | undefined;
}

/** What the gateway would ask about an app, but for who asks. What is not said is that of the app's first page. */
export function appQuestion(
  services: Pick<ApiServices, 'urls' | 'facts'>,
  resource: string,
  { action, method, path, route }: Asked,
): Omit<Question, 'asker'> {
  return {
    action,
    resource: { type: 'App', id: resource },
    request: {
      method: method ?? methods[action],
      host: `${resource}.${services.urls.appsDomain}`,
      path: path ?? '/',
      route: route ?? firstRoute(services.facts.get('resource', resource)),
      address: '127.0.0.1',
      tls: services.urls.scheme === 'https',
      noun: '',
    },
  };
}
