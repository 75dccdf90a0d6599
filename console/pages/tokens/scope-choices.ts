const nouns = ['user', 'invitation', 'group', 'resource', 'segment', 'session', 'token', 'grant', 'policy', 'event'];

/** Is it for asking the PDP? */
export const isPdpScope = (scope: string): boolean => scope === 'pdp' || scope.startsWith('pdp:');

/** Scopes a token can have, grouped as a select shows them. */
export function scopeChoices(apps: readonly string[]): { group: string; items: { value: string; label: string }[] }[] {
  return [
    {
      group: 'Apps',
      items: apps.flatMap((app) => [
        { value: `app:${app}`, label: `app:${app}` },
        { value: `app:${app}:read`, label: `app:${app}:read` },
      ]),
    },
    {
      group: 'The PDP: for proxies and programs that ask',
      items: [
        ...apps.flatMap((app) => [
          { value: `pdp:app:${app}`, label: `pdp:app:${app}` },
          { value: `pdp:app:${app}:search`, label: `pdp:app:${app}:search` },
        ]),
        { value: 'pdp', label: 'pdp: ask about everything' },
      ],
    },
    {
      group: 'This console, all of it',
      items: [
        { value: 'read', label: 'read: see everything' },
        { value: 'admin', label: 'admin: see and change everything' },
      ],
    },
    {
      group: 'This console, in part',
      items: nouns.flatMap((noun) => [
        { value: `${noun}:read`, label: `${noun}:read` },
        { value: `${noun}:write`, label: `${noun}:write` },
      ]),
    },
  ];
}
