import { connect } from 'node:net';
import { namesPrivateAddress, parseUpstream, type Upstream } from '../../config/upstream.ts';
import type { ApiClient } from '../client.ts';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { resourceOptions } from './resource.ts';

/** An app on this machine answers at once, or a packet filter swallows the question. */
const probeMsMax = 1_000;

export const protectCommands: readonly Command[] = [
  {
    noun: 'protect',
    verb: null,
    summary: 'Puts an app that runs here behind the gateway, live',
    details:
      'nullius protect http://localhost:3000 --as wiki\nThe upstream you name may be a private address: naming it is saying so.',
    positionals: [{ name: 'upstream' }],
    options: { as: { type: 'string', value: 'name', summary: 'its host name', required: true }, ...resourceOptions },
    run: async ({ api, globals, out, positionals, text, flag }) => {
      const upstream = (positionals[0] ?? '').replace(/\/$/, '');
      const parsed = parseUpstream(upstream);
      if ('problem' in parsed) throw new CliError('usage', `\`${positionals[0]}\` ${parsed.problem}`);
      const name = text('as') ?? '';
      const body = {
        name,
        upstream,
        displayName: text('display'),
        segment: text('segment'),
        allowPrivate: namesPrivateAddress(parsed),
        preserveHost: flag('preserve-host'),
        corsPreflight: flag('cors-preflight'),
        crossOriginCookie: flag('cross-origin-cookie'),
      };
      const added = await add(api, body);
      out.answer(added, added.url);
      out.note(`\`${name}\` is protected; policy decides who may open it`);
      // From elsewhere only the gateway's machine could tell.
      if (globals.server === undefined && !(await answers(parsed))) {
        out.note(
          `nothing answers at \`${upstream}\` now: start the app there, or until then people are told that it is away`,
        );
      }
      return exitCodes.done;
    },
  },
];

/** Adds the resource. A name that is taken is told with what it stands for. */
async function add(api: ApiClient, body: { readonly name: string }): Promise<{ url: string }> {
  try {
    return (await api.call({ method: 'POST', path: '/resources', body })).body as { url: string };
  } catch (error) {
    const code = error instanceof CliError ? (error.detail as { code?: string } | undefined)?.code : undefined;
    if (code !== 'exists') throw error;
    const path = `/resources/${encodeURIComponent(body.name)}`;
    const there = (await api.call({ method: 'GET', path })).body as { upstream: string; url: string; origin: string };
    const remedy = {
      config: 'change it in the configuration file',
      builtin: 'it comes with the program (`demo: false` in the configuration file removes the demo)',
      api: `change it in the console, or remove it by \`nullius resource remove ${body.name}\` and protect it again`,
    }[there.origin];
    throw new CliError(
      'failed',
      `\`${body.name}\` is taken: ${there.url} is \`${there.upstream}\`; choose another name with --as, or ${remedy ?? 'remove it'}`,
      error instanceof CliError ? error.detail : undefined,
    );
  }
}

/** Does anything accept a connection there? */
function answers({ host, port }: Upstream): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: probeMsMax });
    const end = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
    socket.on('connect', () => end(true));
    socket.on('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}
