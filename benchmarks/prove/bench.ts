// `npm run bench -- prove`: a hundred invariants over two hundred policies, as `nullius policy prove` does it, progress shown.
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { analyse, compare, prove } from '../../src/shell/prover/index.ts';
import { invariants, policies, schema } from './company.ts';

const texts = { policies: [{ file: 'company.cedar', text: policies }], schema };
const onProgress = ({ done, total, what }: { done: number; total: number; what: string }) =>
  process.stderr.write(`\r${done}/${total} ${what.padEnd(20)}`);

async function timed<T>(run: () => Promise<T>): Promise<{ found: T; seconds: number }> {
  const start = performance.now();
  const found = await run();
  process.stderr.write('\n');
  return { found, seconds: (performance.now() - start) / 1000 };
}

const proved = await timed(() =>
  prove({ ...texts, invariants: [{ file: 'company.invariants', text: invariants }] }, { onProgress }),
);
const results = proved.found.found;
if (results === undefined) throw new Error(JSON.stringify(proved.found.problems.slice(0, 3)));
const count = (outcome: string) => results.filter((each) => each.outcome === outcome).length;

const widened = policies.replace('authAgeSeconds <= 3600', 'authAgeSeconds <= 7200');
const compared = await timed(() =>
  compare({ before: texts, after: { ...texts, policies: [{ file: 'company.cedar', text: widened }] } }, { onProgress }),
);
const same = await timed(() => compare({ before: texts, after: texts }, { onProgress }));
const analysed = await timed(() => analyse(texts, { onProgress }));

const rows: [string, number, string][] = [
  [
    `${results.length} invariants`,
    proved.seconds,
    `${count('holds')} hold, ${count('counterexample')} broken, ${count('undecided')} not decided`,
  ],
  ['a guard widened', compared.seconds, compared.found.found?.verdict ?? ''],
  ['the set and itself', same.seconds, same.found.found?.verdict ?? ''],
  ['what does nothing', analysed.seconds, `${analysed.found.found?.length} of 200 policies`],
];
const words = `# Proofs over 200 policies

Made by \`npm run bench -- prove\` on ${cpus().length} cores, ${cpus()[0]?.model.trim()}: 200 policies of a made-up company (\`company.ts\`), start of the process,
parsing and validation included. The target is a hundred invariants in under a minute.
Load average of the machine during the run: ${loadavg()[0]?.toFixed(1)}.

| question | seconds | answer |
| --- | ---: | --- |
${rows.map(([name, seconds, answer]) => `| ${name} | ${seconds.toFixed(1)} | ${answer} |`).join('\n')}
`;
writeFileSync(join(import.meta.dirname, 'RESULTS.md'), words);
console.log(words);
process.exitCode = results.length === 100 && proved.seconds < 60 ? 0 : 1;
