import type { Command, OptionSpec } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { table } from '../output.ts';

interface ResourceView {
  id: string;
  displayName: string;
  upstream: string;
  segment: string | null;
  origin: string;
  url: string;
}

function resourceTable(resources: readonly ResourceView[]): string {
  const rows = resources.map((each) => [each.id, each.url, each.upstream, each.segment, each.origin]);
  return table(['NAME', 'URL', 'UPSTREAM', 'SEGMENT', 'ORIGIN'], rows);
}

/** Options that `resource add` and `protect` share. */
export const resourceOptions: Readonly<Record<string, OptionSpec>> = {
  segment: { type: 'string', value: 'segment', summary: 'the segment it lies in' },
  display: { type: 'string', value: 'name', summary: 'display name' },
  'preserve-host': { type: 'boolean', summary: "send the browser's Host upstream instead of the upstream's own" },
  'cors-preflight': { type: 'boolean', summary: 'let cross-origin preflights pass without a session' },
  'cross-origin-cookie': {
    type: 'boolean',
    summary: "let pages of other origins act as the person signed in here; the app's own CORS rules then decide",
  },
};

export const resourceCommands: readonly Command[] = [
  {
    noun: 'resource',
    verb: 'list',
    summary: 'Lists what is behind the gateway',
    run: async ({ api, out }) => {
      const resources = (await api.list('/resources')) as unknown as ResourceView[];
      out.answer(resources, resourceTable(resources));
      return exitCodes.done;
    },
  },
  {
    noun: 'resource',
    verb: 'show',
    summary: 'Shows one resource',
    positionals: [{ name: 'resource' }],
    run: async ({ api, out, positionals }) => {
      const { body } = await api.call({
        method: 'GET',
        path: `/resources/${encodeURIComponent(positionals[0] ?? '')}`,
      });
      out.answer(body, resourceTable([body as ResourceView]));
      return exitCodes.done;
    },
  },
  {
    noun: 'resource',
    verb: 'add',
    summary: 'Puts an app behind the gateway',
    positionals: [{ name: 'name' }, { name: 'upstream' }],
    options: {
      ...resourceOptions,
      'allow-private': { type: 'boolean', summary: 'the upstream may be a private or loopback address' },
    },
    run: async ({ api, out, positionals, text, flag }) => {
      const body = {
        name: positionals[0],
        upstream: positionals[1],
        displayName: text('display'),
        segment: text('segment'),
        allowPrivate: flag('allow-private'),
        preserveHost: flag('preserve-host'),
        corsPreflight: flag('cors-preflight'),
        crossOriginCookie: flag('cross-origin-cookie'),
      };
      const added = (await api.call({ method: 'POST', path: '/resources', body })).body as ResourceView;
      out.answer(added, added.url);
      out.note(`\`${added.id}\` is behind the gateway; policy decides who may open it`);
      return exitCodes.done;
    },
  },
  {
    noun: 'resource',
    verb: 'remove',
    summary: 'Takes a resource away; its open connections end',
    positionals: [{ name: 'resource' }],
    run: async ({ api, out, positionals }) => {
      await api.call({ method: 'DELETE', path: `/resources/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer({ removed: positionals[0] }, '');
      out.note(`\`${positionals[0]}\` is removed`);
      return exitCodes.done;
    },
  },
];
