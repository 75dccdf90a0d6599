import type { Gains, RehearsalProgress, RehearsalReport } from '#foundation/model';
import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { formatTime, table } from '../output.ts';
import { readFolder } from '../read-folder.ts';
import { parseTimeOrAgo } from '../time.ts';

const linesMax = 40;
const days = 24 * 3_600_000;

function gainsTable(title: string, gains: readonly Gains[]): string[] {
  if (gains.length === 0) return [];
  const rows = gains.slice(0, linesMax).map(({ name, key, gained, lost }) => [name || key, `+${gained}`, `-${lost}`]);
  const more = gains.length > linesMax ? [`… and ${gains.length - linesMax} more`] : [];
  return ['', table([title, 'GAINS', 'LOSES'], rows), ...more];
}

function decisionWords({ decisions, subjects }: RehearsalReport['gained']): string {
  if (decisions === 0) return 'no decision';
  const [what, whose] = [decisions === 1 ? 'decision' : 'decisions', subjects === 1 ? 'subject' : 'subjects'];
  return `${decisions} ${what} of ${subjects} ${whose}`;
}

function reportWords(report: RehearsalReport): string {
  const { gained, lost, groups } = report;
  const rows = groups
    .slice(0, linesMax)
    .map((each) => [
      each.change === 'gained' ? 'gains' : 'LOSES',
      each.subject.kind === 'stranger' ? '(not signed in)' : each.subject.name,
      `${each.action} ${each.resource}${each.route === 'default' ? '' : ` (${each.route})`}`,
      each.count,
      each.before.join(' ') || '-',
      each.after.join(' ') || '-',
      each.examples[0] ?? '',
    ]);
  const head =
    gained.decisions + lost.decisions === 0
      ? `nothing changes: all ${report.same} decisions stay as they are`
      : [
          `would be allowed that were refused: ${decisionWords(gained)}`,
          `would be refused that were allowed: ${decisionWords(lost)}`,
          `stay as they are:                   ${report.same}`,
        ].join('\n');
  const changes =
    rows.length === 0 ? [] : ['', table(['CHANGE', 'WHO', 'WHAT', 'TIMES', 'BY THEN', 'BY THE NEW', 'EXAMPLE'], rows)];
  const more = groups.length + report.moreGroups > linesMax ? ['… and more; --json has them'] : [];
  return [
    head,
    ...changes,
    ...more,
    ...gainsTable('WHO', report.bySubject),
    ...gainsTable('RESOURCE', report.byResource),
    ...gainsTable('POLICY', report.byPolicy),
  ].join('\n');
}

/** `policy simulate`: recorded decisions under other policies. */
export const simulateCommand: Command = {
  noun: 'policy',
  verb: 'simulate',
  summary:
    'Replays recorded decisions under the policies of a folder: who gains and who loses what; exit 1 when anything changes',
  details:
    'nullius policy simulate --since 7d new/\n\nEvery decision is asked again by the facts of its own time. Publishes nothing. `nullius policy explain <example>` says more about one.',
  positionals: [{ name: 'folder', optional: true }],
  options: {
    since: {
      type: 'string',
      value: 'time',
      summary: 'from this time on: `2026-01-31T12:00:00Z`, or `7d` ago (default)',
    },
    until: { type: 'string', value: 'time', summary: 'before this time (default now)' },
  },
  run: async ({ api, out, positionals, text }) => {
    const name = positionals[0] ?? 'policies';
    const folder = readFolder(name);
    const [since, until] = [text('since'), text('until')];
    const body = {
      ...(folder.schema === undefined ? {} : { schema: folder.schema }),
      policies: folder.policies,
      since: since === undefined ? Date.now() - 7 * days : parseTimeOrAgo(since),
      ...(until === undefined ? {} : { until: parseTimeOrAgo(until) }),
    };
    const stop = new AbortController();
    process.once('SIGINT', () => stop.abort());
    const onProgress = ({ allBytes, readBytes, replayed }: RehearsalProgress) => {
      const share = allBytes === 0 ? 100 : Math.floor((100 * readBytes) / allBytes);
      out.note(`${Math.min(share, 100)} %, ${replayed} decisions replayed`);
    };
    const report = await api.work<RehearsalProgress, RehearsalReport>(
      { method: 'POST', path: '/policies/simulate', body, folder: name },
      { onProgress, signal: stop.signal },
    );
    out.answer(report, reportWords(report));
    for (const words of report.approximations) out.note(`not exact: ${words}`);
    const span = `${formatTime(report.since)} to ${formatTime(report.until)}`;
    out.note(`${report.replayed} decisions from ${span} in ${(report.durationMs / 1000).toFixed(1)} s`);
    return report.gained.decisions + report.lost.decisions === 0 ? exitCodes.done : exitCodes.no;
  },
};
