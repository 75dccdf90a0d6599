import { namesPrivateAddress, parseUpstream } from '../../config/upstream.ts';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { resourceOptions } from './resource.ts';

export const protectCommands: readonly Command[] = [
  {
    noun: 'protect',
    verb: null,
    summary: 'Puts an app that runs here behind the gateway, live',
    details:
      'nullius protect http://localhost:3000 --as wiki\nThe upstream you name may be a private address: naming it is saying so.',
    positionals: [{ name: 'upstream' }],
    options: { as: { type: 'string', value: 'name', summary: 'its host name', required: true }, ...resourceOptions },
    run: async ({ api, out, positionals, text, flag }) => {
      const upstream = (positionals[0] ?? '').replace(/\/$/, '');
      const parsed = parseUpstream(upstream);
      if ('problem' in parsed) throw new CliError('usage', `\`${positionals[0]}\` ${parsed.problem}`);
      const body = {
        name: text('as'),
        upstream,
        displayName: text('display'),
        segment: text('segment'),
        allowPrivate: namesPrivateAddress(parsed),
        preserveHost: flag('preserve-host'),
        corsPreflight: flag('cors-preflight'),
        crossOriginCookie: flag('cross-origin-cookie'),
      };
      const added = (await api.call({ method: 'POST', path: '/resources', body })).body as { url: string };
      out.answer(added, added.url);
      out.note(`\`${text('as')}\` is protected; policy decides who may open it`);
      return exitCodes.done;
    },
  },
];
