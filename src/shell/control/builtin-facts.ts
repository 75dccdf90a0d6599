import { toBase64url } from '#foundation/encoding';
import type { RandomBytes, Resource } from '#foundation/model';
import type { FactTable } from '#information/inventory';
import type { FactWrite } from '../store/index.ts';

/** Journal keys that exist before anybody does: of events about nobody, and of strangers. */
const journalSubjects = ['system', 'stranger'];
const journalKeyBytes = 32;

const builtinGroups = {
  everyone: {
    displayName: 'Everyone',
    description: 'Everyone enrolled. Membership is implied and cannot be taken away.',
  },
  administrators: { displayName: 'Administrators', description: 'May administer this installation.' },
  auditors: { displayName: 'Auditors', description: 'May read everything in the administration and change nothing.' },
} as const;

function ownResource(parts: Pick<Resource, 'displayName' | 'description' | 'upstream' | 'routes'>): Resource {
  return {
    kind: 'app',
    segment: null,
    allowPrivate: true,
    preserveHost: true,
    corsPreflight: false,
    crossOriginCookie: false,
    requestable: false,
    origin: 'builtin',
    ...parts,
  };
}

/**
 * Facts that Nullius itself needs: journal keys, groups, its own hosts, and the demo while it is on. Gives what is missing or
 * different; committing nothing when all is well leaves no trace.
 */
export function builtinFacts(
  facts: FactTable,
  options: { readonly webSocketPath: string; readonly isDemoOn: boolean; readonly random: RandomBytes },
): FactWrite[] {
  const upstream = `unix:${options.webSocketPath}`;
  const writes: FactWrite[] = [];
  for (const id of journalSubjects) {
    if (facts.get('journal-key', id) !== undefined) continue;
    writes.push({ kind: 'journal-key', id, body: { key: toBase64url(options.random(journalKeyBytes)) } });
  }
  for (const [id, words] of Object.entries(builtinGroups)) {
    const memberOf = facts.get('group', id)?.memberOf ?? [];
    writes.push({ kind: 'group', id, body: { ...words, memberOf, origin: 'builtin' } });
  }
  const console = { displayName: 'Console', description: 'The console of this installation.', upstream, routes: [] };
  const signIn = { displayName: 'Sign-in', description: 'Where people sign in.', upstream, routes: [] };
  writes.push({ kind: 'resource', id: 'console', body: ownResource(console) });
  writes.push({ kind: 'resource', id: 'id', body: ownResource(signIn) });
  const demo = facts.get('resource', 'demo');
  if (options.isDemoOn && (demo === undefined || demo.origin === 'builtin')) {
    writes.push({
      kind: 'resource',
      id: 'demo',
      // Requestable, so that its refusal shows a remedy at the first start.
      body: { ...ownResource({ ...demoWords, upstream, routes: [...demoRoutes] }), requestable: true },
    });
  } else if (!options.isDemoOn && demo?.origin === 'builtin') {
    writes.push({ kind: 'resource', id: 'demo', body: null });
  }
  return writes;
}

const demoWords = {
  displayName: 'Demo',
  description: 'Shows what Nullius does: a public page, one for everyone signed in, one for administrators.',
};

const demoRoutes = [
  { path: '/', label: 'public', encodedSlash: false },
  { path: '/style.css', label: 'public', encodedSlash: false },
  { path: '/administrators/**', label: 'administrators', encodedSlash: false },
] as const;
