import { useMe } from './queries.ts';
import type { Noun } from './shapes.ts';

const nounWords: Record<Noun, string> = {
  me: 'your own account',
  overview: 'the overview',
  user: 'people',
  invitation: 'invitations',
  group: 'groups',
  resource: 'apps',
  segment: 'segments',
  session: 'sessions',
  token: 'tokens',
  grant: 'access grants',
  policy: 'policies',
  'policy-override': 'policies past their gates',
  event: 'events',
  key: 'keys',
  gateway: 'gateways',
  pdp: 'the PDP',
  entity: 'entities of applications',
};

/**
 * Why the signed-in person may not do this, or undefined when policy lets them. Only shown in advance: the API judges
 * every call again.
 */
export function useForbidden(noun: Noun, kind: 'read' | 'write' = 'write'): string | undefined {
  const { data } = useMe();
  if (data === undefined || data.rights[kind].includes(noun)) return undefined;
  return `Your policies do not let you ${kind === 'write' ? 'change' : 'see'} ${nounWords[noun]}. Ask an administrator.`;
}
