import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { formatTime, table } from '../output.ts';

interface PdpView {
  url: string;
  listeners: { gateway: string; url: string }[];
  mutualTls: { gateway: string; url: string }[];
  callers: {
    id: string;
    label: string;
    keyHash?: string;
    scopes: string[];
    status: string;
    expiresAt: number;
    lastUsedAt: number | null;
  }[];
}

export const pdpCommands: readonly Command[] = [
  {
    noun: 'pdp',
    verb: 'show',
    summary: 'Shows where the policy decision point answers, and who may ask it',
    details:
      'A caller is a token, `nullius token create --scope pdp:app:<name>`, or with `--certificate FILE` the key of a client certificate.',
    run: async ({ api, out }) => {
      const pdp = (await api.call({ method: 'GET', path: '/pdp' })).body as PdpView;
      const places = [
        pdp.url,
        ...pdp.listeners.map(({ gateway, url }) => `${url} (on the machine of ${gateway})`),
        ...pdp.mutualTls.map(({ gateway, url }) => `${url} (by client certificate, at ${gateway})`),
      ];
      const rows = pdp.callers.map((each) => [
        each.id,
        each.label,
        each.keyHash === undefined ? 'token' : 'certificate',
        each.scopes.join(' '),
        each.status,
        formatTime(each.expiresAt),
        each.lastUsedAt === null ? 'not lately' : formatTime(each.lastUsedAt),
      ]);
      const callers = table(['CALLER', 'LABEL', 'SHOWS', 'SCOPES', 'STATUS', 'ENDS', 'LAST USED'], rows);
      out.answer(pdp, `${places.join('\n')}\n\n${callers}`);
      return exitCodes.done;
    },
  },
];
