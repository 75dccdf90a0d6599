import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { table } from '../output.ts';

interface SegmentView {
  id: string;
  displayName: string;
  within: string | null;
  sensitivity: string;
  origin: string;
}

function segmentTable(segments: readonly SegmentView[]): string {
  const rows = segments.map((each) => [each.id, each.displayName, each.within, each.sensitivity, each.origin]);
  return table(['NAME', 'DISPLAY NAME', 'WITHIN', 'SENSITIVITY', 'ORIGIN'], rows);
}

export const segmentCommands: readonly Command[] = [
  {
    noun: 'segment',
    verb: 'list',
    summary: 'Lists the segments',
    run: async ({ api, out }) => {
      const segments = (await api.list('/segments')) as unknown as SegmentView[];
      out.answer(segments, segmentTable(segments));
      return exitCodes.done;
    },
  },
  {
    noun: 'segment',
    verb: 'show',
    summary: 'Shows one segment',
    positionals: [{ name: 'segment' }],
    run: async ({ api, out, positionals }) => {
      const { body } = await api.call({ method: 'GET', path: `/segments/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer(body, segmentTable([body as SegmentView]));
      return exitCodes.done;
    },
  },
  {
    noun: 'segment',
    verb: 'create',
    summary: 'Makes a segment: a set of resources of one sensitivity',
    positionals: [{ name: 'segment' }],
    options: {
      sensitivity: {
        type: 'string',
        value: 'public|low|medium|high',
        summary: 'how much harm a leak would do',
        required: true,
      },
      within: { type: 'string', value: 'segment', summary: 'the segment around it' },
      display: { type: 'string', value: 'name', summary: 'display name' },
    },
    run: async ({ api, out, positionals, text }) => {
      const body = {
        name: positionals[0],
        sensitivity: text('sensitivity'),
        within: text('within'),
        displayName: text('display'),
      };
      const answer = await api.call({ method: 'POST', path: '/segments', body });
      out.answer(answer.body, '');
      out.note(`segment \`${positionals[0]}\` is made`);
      return exitCodes.done;
    },
  },
  {
    noun: 'segment',
    verb: 'remove',
    summary: 'Removes a segment that holds nothing',
    positionals: [{ name: 'segment' }],
    run: async ({ api, out, positionals }) => {
      await api.call({ method: 'DELETE', path: `/segments/${encodeURIComponent(positionals[0] ?? '')}` });
      out.answer({ removed: positionals[0] }, '');
      out.note(`segment \`${positionals[0]}\` is removed`);
      return exitCodes.done;
    },
  },
];
