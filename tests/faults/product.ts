// What the fault tests share: the processes of a running installation, and ways to ask it that never throw.

import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Installation } from '../installation.ts';
import type { PasskeyClient, Reply } from '../passkey-client.ts';

export type ProcessName = 'signer' | 'control' | 'gateway';

/** Longer than anything takes on a machine with ten times the work it has cores for. */
const eventuallyMsMax = 120_000;

/** Process ids of the running children; a child that is just away is missing. */
export function processesOf(installation: Installation): Partial<Record<ProcessName, number>> {
  const found: Partial<Record<ProcessName, number>> = {};
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // pid (comm) state ppid …; comm may hold anything, so count from its end.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(parent) !== installation.process.pid || state === 'Z') continue;
      const name = /\/(signer|control|gateway)\/main\.[jt]s/.exec(readFileSync(`/proc/${entry}/cmdline`, 'utf8'))?.[1];
      if (name !== undefined) found[name as ProcessName] = Number(entry);
    } catch {
      // It ended while it was looked at.
    }
  }
  return found;
}

/** Sends a signal to one child; throws when it does not run. */
export function signalTo(installation: Installation, { name, signal }: { name: ProcessName; signal: NodeJS.Signals }) {
  const pid = processesOf(installation)[name];
  if (pid === undefined) throw new Error(`${name} does not run`);
  process.kill(pid, signal);
  return pid;
}

/** Asks again and again until there is an answer other than `undefined` or `false`. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  words: string,
): Promise<T> {
  const giveUpAt = Date.now() + eventuallyMsMax;
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > giveUpAt) throw new Error(`still not so after ${eventuallyMsMax} ms: ${words}`);
    await sleep(50);
  }
}

/** A program's request with a person's cookies: no redirects to sign-in. `status` 0: the connection was refused or broke. */
export async function ask(
  person: PasskeyClient,
  url: string,
  call: { body?: unknown; method?: string } = {},
): Promise<Reply> {
  try {
    const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' };
    return await person.send(url, { ...call, headers });
  } catch {
    return { status: 0, headers: {}, body: '' };
  }
}

/** Protects an app from the command line, and waits until the gateway serves it: it hears of what control says a moment later. */
export async function protectApp(
  installation: Installation,
  { upstream, name, origin = installation.appOrigin(name) }: { upstream: string; name: string; origin?: string },
): Promise<void> {
  const added = await installation.cli('protect', upstream, '--as', name);
  if (added.code !== 0) throw new Error(added.stderr);
  const stranger = installation.person();
  await eventually(async () => (await ask(stranger, `${origin}/`)).status === 401, `${origin} is served`);
}

/** Opens an event stream with a person's cookies; `closed` resolves when it ends. */
export function openStream(installation: Installation, options: { person: PasskeyClient; app: string; path: string }) {
  const host = new URL(installation.appOrigin(options.app)).host;
  const cookie = [...options.person.cookies(host)].map(([name, value]) => `${name}=${value}`).join('; ');
  const opened = Promise.withResolvers<number>();
  const closed = Promise.withResolvers<void>();
  let isClosed = false;
  const close = () => {
    isClosed = true;
    closed.resolve();
  };
  const sent = request(
    { host: '127.0.0.1', port: installation.port, path: options.path, headers: { host, cookie }, agent: false },
    (response) => {
      const answered = () => opened.resolve(response.statusCode ?? 0);
      response.once('data', answered);
      response.resume();
      response.on('error', () => undefined);
      // An answer that holds nothing is one too.
      response.on('close', () => {
        answered();
        close();
      });
    },
  );
  sent.on('error', () => {
    opened.resolve(0);
    close();
  });
  sent.end();
  return { open: opened.promise, closed: closed.promise, isClosed: () => isClosed, destroy: () => sent.destroy() };
}

/** Invites a person from the command line and signs them in at the sign-in site. */
export async function enrolled(installation: Installation, name: string): Promise<PasskeyClient> {
  const invited = await installation.cli('user', 'invite', name, '--json');
  if (invited.code !== 0) throw new Error(invited.stderr);
  const person = installation.person();
  await person.enrol((JSON.parse(invited.stdout) as { url: string }).url, { name });
  return person;
}
