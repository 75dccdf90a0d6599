// People for the benchmark, put straight into the store of an installation that is stopped: signing in thousands one by one would take
// longer than everything that is measured. Facts are what they would be had everybody signed in just now.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { toBase64url } from '#foundation/encoding';
import { type FactWrite, openStore } from '#shell/store';
import { createKeyring } from '#trust/keys';
import { appCookieName } from '../../src/shell/gateway/identify-asker.ts';
import { openRootKeys } from '../../src/shell/signer/root-key-file.ts';

const teamCount = 40;
const teamsPerPerson = 3;
const peoplePerCommit = 1_000;

/** Every team is part of it, so everybody is in it. */
export const everybodysGroup = 'staff';

/** The `Cookie` field of each person, the same in every installation. */
export function cookiesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${appCookieName}=${cookieValueOf(index)}`);
}

const cookieValueOf = (index: number) => createHash('sha256').update(`cookie of person ${index}`).digest('base64url');

/** Writes `count` people, each in three of forty teams, with a session and the app's cookie. */
export async function addPeople(data: string, { count, app }: { count: number; app: string }): Promise<void> {
  const keys = createKeyring(await openRootKeys({ path: `${data}.root-key`, isFirstStart: false }), 'data');
  const dataKeys = {
    createDataKey: async (purpose: string) => {
      const key = randomBytes(32);
      return { key: toBase64url(key), wrapped: keys.wrap(key, purpose) };
    },
    unwrapDataKey: async (purpose: string, wrapped: string) => ({ key: toBase64url(keys.unwrap(wrapped, purpose)) }),
  };
  const store = await openStore({ path: join(data, 'store', 'nullius.sqlite'), clock: Date.now, dataKeys });
  const words = { description: '', origin: 'api' } as const;
  const teams = Array.from({ length: teamCount }, (_, index) => `team-${index}`);
  await store.commit([
    { kind: 'group', id: everybodysGroup, body: { ...words, displayName: 'Staff', memberOf: [] } },
    ...teams.map((id) => ({
      kind: 'group' as const,
      id,
      body: { ...words, displayName: id, memberOf: [everybodysGroup] },
    })),
  ]);
  for (let from = 0; from < count; from += peoplePerCommit) {
    const indexes = Array.from({ length: Math.min(peoplePerCommit, count - from) }, (_, offset) => from + offset);
    await store.commit(indexes.flatMap((index) => factsOf(index, { app, now: Date.now() })));
  }
  await store.close();
}

function factsOf(index: number, { app, now }: { app: string; now: number }): FactWrite[] {
  const [user, session] = [`person-${index}`, `session-${index}`];
  const teams = Array.from({ length: teamsPerPerson }, (_, each) => `team-${(index + each * 7) % teamCount}`);
  return [
    {
      kind: 'user',
      id: user,
      body: {
        name: user,
        displayName: `Person ${index}`,
        email: `${user}@example.com`,
        status: 'active',
        groups: ['everyone', ...teams],
        source: 'local',
        createdAt: now,
      },
    },
    { kind: 'journal-key', id: user, body: { key: toBase64url(randomBytes(32)) } },
    {
      kind: 'session',
      id: session,
      body: {
        user,
        credential: 'passkey',
        provider: 'local',
        phishingResistant: true,
        authTime: now,
        createdAt: now,
        idleMs: 3_600_000,
        expiresAt: now + 12 * 3_600_000,
        bound: false,
        status: 'active',
        endedReason: null,
        userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      },
    },
    {
      kind: 'app-cookie',
      id: `cookie-${index}`,
      body: {
        session,
        resource: app,
        hash: createHash('sha256').update(cookieValueOf(index)).digest('base64url'),
        previousHash: null,
        previousUntil: 0,
        rotatedAt: now,
      },
    },
  ];
}
