import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'nullius-prove-'));
after(() => rmSync(folder, { recursive: true }));
const shipped = join(import.meta.dirname, '..', '..', '..', '..', 'policies');

/** A copy of what is shipped, with one file changed. */
function changed(name: string, file: string, change: (text: string) => string): string {
  const copy = join(folder, name);
  cpSync(shipped, copy, { recursive: true });
  const path = join(copy, file);
  writeFileSync(path, change(readFileSync(path, 'utf8')));
  return copy;
}

function nullius(...argv: string[]) {
  const main = join(import.meta.dirname, '..', 'main.ts');
  const result = spawnSync(process.execPath, ['--conditions=nullius-source', main, ...argv], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 240_000,
  });
  return { code: result.status, out: result.stdout, err: result.stderr };
}

interface Printed {
  results: { id: string; outcome: string; counterexample?: { request: object; policies: string[] } }[];
}

test('nullius policy prove exits 0 for what is shipped, with progress on stderr alone', () => {
  const { code, out, err } = nullius('policy', 'prove', shipped, '--json');
  assert.equal(code, 0, err);
  const { results } = JSON.parse(out) as Printed;
  assert.ok(results.length >= 2);
  assert.deepEqual([...new Set(results.map(({ outcome }) => outcome))], ['holds']);
  assert.match(err, /^looked at 1 of [0-9]+: /m);
});

test('nullius policy prove gives a request that nullius decide really allows', () => {
  const file = '90-guards.cedar';
  const unguarded = changed('unguarded', file, (text) =>
    text.replace('when { principal.status == "suspended" }', 'when { principal.status == "gone" }'),
  );
  const { code, out } = nullius('policy', 'prove', unguarded, '--json');
  assert.equal(code, 1);
  const broken = (JSON.parse(out) as Printed).results.find(({ outcome }) => outcome === 'counterexample');
  assert.equal(broken?.id, 'suspended-people-are-out');
  const { entities, ...request } = broken.counterexample?.request as { entities: object[] };
  writeFileSync(join(folder, 'entities.json'), JSON.stringify(entities));
  writeFileSync(join(folder, 'request.json'), JSON.stringify(request));
  const files = ['--entities', join(folder, 'entities.json'), '--request', join(folder, 'request.json')];
  const decided = nullius(
    'decide',
    '--policies',
    unguarded,
    '--schema',
    join(unguarded, 'schema.cedarschema'),
    ...files,
  );
  assert.equal((JSON.parse(decided.out) as { decision: string }).decision, 'allow', decided.err);
});

test('nullius policy diff says of two folders which way they differ, and nullius policy analyse finds what does nothing', () => {
  const wider = changed('wider', '90-guards.cedar', (text) => text.replace('<= 3600', '<= 7200'));
  const diff = nullius('policy', 'diff', shipped, wider);
  assert.deepEqual([diff.code, diff.out.split(':')[0]], [1, 'more permissive']);
  const dead =
    '\n@id("dead") permit (principal is Anonymous, action, resource) when { context.tls && !context.tls };\n';
  const analysed = nullius(
    'policy',
    'analyse',
    changed('dead', '30-demo.cedar', (text) => text + dead),
    '--json',
  );
  assert.equal(analysed.code, 1);
  const { findings } = JSON.parse(analysed.out) as { findings: { id: string; kind: string }[] };
  assert.deepEqual(
    findings.map(({ id, kind }) => [id, kind]),
    [['dead', 'dead']],
  );
});

test('nullius policy diff says which of two folders is not valid, and why, in place of a comparison', () => {
  const file = '90-guards.cedar';
  const broken = changed('broken', file, (text) => text.replace('principal.status', 'principal.statu'));
  const last = 'nullius: nothing was compared: mend what is wrong first\n';
  const next = nullius('policy', 'diff', shipped, broken);
  assert.deepEqual([next.code, next.out], [1, '']);
  assert.ok(next.err.startsWith(`\`${broken}\` is not valid:\n${broken}/${file}:`), next.err);
  assert.ok(next.err.endsWith(last), next.err);
  const old = nullius('policy', 'diff', broken, shipped);
  const heading = `\`${broken}\` is not valid under the schema of \`${shipped}\`, by which both are compared:`;
  assert.ok(old.err.startsWith(`${heading}\n${broken}/${file}:`), old.err);
  const wordless = changed('wordless', 'schema.cedarschema', (text) => `${text}\nentity`);
  const schema = nullius('policy', 'diff', shipped, wordless).err.split('\n');
  assert.equal(schema[0], `\`${wordless}\` is not valid:`);
  assert.match(schema[1] ?? '', /wordless\/schema\.cedarschema:[0-9]+:[0-9]+: /);
  assert.equal(schema[2], last.trimEnd());
});

test('nullius policy prove says where an invariant is wrong, and exits 1', () => {
  const misspelt = changed(
    'misspelt',
    'shipped.invariants',
    (text) => `${text}\n@id("x") never (principal, action, resource) when { context.nun == "" };`,
  );
  const { code, out, err } = nullius('policy', 'prove', misspelt);
  assert.deepEqual([code, out], [1, '']);
  assert.match(err, /misspelt\/shipped\.invariants:[0-9]+:[0-9]+: .*nun.*; did you mean `noun`\?/);
  assert.match(nullius('policy', 'prove', shipped, '--timeout', 'long').err, /`long` is no number of seconds/);
});
