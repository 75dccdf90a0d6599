import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseDuration } from '../../config/duration.ts';
import type { Command } from '../command.ts';
import { CliError, exitCodes } from '../failure.ts';
import { durationOption } from '../lookup.ts';
import { formatTime, table } from '../output.ts';

interface TokenView {
  id: string;
  label: string;
  owner: { type: string; id: string };
  scopes: string[];
  status: string;
  expiresAt: number;
}

/** The first certificate in a file, alone: a key beside it does not leave this machine. */
function readCertificate(file: string): string {
  try {
    return new X509Certificate(readFileSync(file)).toString();
  } catch {
    throw new CliError('usage', `\`${file}\` cannot be read, or holds no X.509 certificate in PEM`);
  }
}

export const tokenCommands: readonly Command[] = [
  {
    noun: 'token',
    verb: 'list',
    summary: 'Lists app tokens',
    run: async ({ api, out }) => {
      const tokens = (await api.list('/tokens')) as unknown as TokenView[];
      const rows = tokens.map((each) => [
        each.id,
        each.label,
        `${each.owner.type} ${each.owner.id}`,
        each.scopes.join(' '),
        each.status,
        formatTime(each.expiresAt),
      ]);
      out.answer(tokens, table(['ID', 'LABEL', 'OWNER', 'SCOPES', 'STATUS', 'ENDS'], rows));
      return exitCodes.done;
    },
  },
  {
    noun: 'token',
    verb: 'create',
    summary: 'Makes a token for a program that cannot sign in; it is shown once',
    details:
      'Scopes: `<noun>:read`, `<noun>:write`, `read`, `admin`; for apps `app:<name>`; for programs that ask the PDP `pdp`, `pdp:app:<name>`, `pdp:namespace:<Namespace>`, the last two also with `:search`.',
    options: {
      scope: { type: 'string', multiple: true, value: 'scope', summary: 'what it may do', required: true },
      for: { type: 'string', value: 'duration', summary: 'how long it lives (default 30d)' },
      label: { type: 'string', value: 'words', summary: 'what it is for' },
      owner: {
        type: 'string',
        value: 'user',
        summary: 'acts as this user (default: the local operator, who opens no app)',
      },
      certificate: {
        type: 'string',
        value: 'file',
        summary: 'no value: a PDP caller shows this certificate, or another of the same key (docs/operating/pdp.md)',
      },
    },
    run: async ({ api, out, text, texts }) => {
      const body = {
        label: text('label') ?? 'made by nullius token create',
        scopes: texts('scope'),
        lifetimeMs: durationOption(text('for') ?? '30d', parseDuration),
        ...(text('owner') === undefined ? {} : { owner: text('owner') }),
        ...(text('certificate') === undefined ? {} : { certificate: readCertificate(text('certificate') ?? '') }),
      };
      const made = (await api.call({ method: 'POST', path: '/tokens', body })).body as TokenView & {
        token: string | null;
      };
      out.answer(made, made.token ?? made.id);
      const until = `valid until ${formatTime(made.expiresAt)}`;
      out.note(
        made.token === null
          ? `${until}, for whoever shows a certificate of this key`
          : `${until}; it is not shown again`,
      );
      return exitCodes.done;
    },
  },
  {
    noun: 'token',
    verb: 'revoke',
    summary: 'Ends a token at once',
    positionals: [{ name: 'id' }],
    run: async ({ api, out, positionals }) => {
      const { body } = await api.call({
        method: 'POST',
        path: `/tokens/${encodeURIComponent(positionals[0] ?? '')}/revoke`,
        body: {},
      });
      out.answer(body, '');
      out.note('the token is revoked');
      return exitCodes.done;
    },
  },
];
