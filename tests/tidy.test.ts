// What the repo promises about itself and a linter does not see.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const tracked = execFileSync('git', ['ls-files'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));
const sources = tracked.filter((file) => /^(src|tests|benchmarks|scripts)\/.*\.ts$/.test(file));

test('every runtime dependency has a line in docs/decisions/dependencies.md', () => {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { dependencies: Record<string, string> };
  const text = readFileSync('docs/decisions/dependencies.md', 'utf8');
  assert.deepEqual(
    Object.keys(dependencies).filter((name) => !text.includes(`\`${name}\``)),
    [],
  );
});

test('dependencies are pinned exactly', () => {
  const json = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, Record<string, string>>;
  const loose = ['dependencies', 'devDependencies', 'optionalDependencies']
    .flatMap((key) => Object.entries(json[key] ?? {}))
    .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version));
  assert.deepEqual(loose, []);
});

test('no runtime dependency brings an install script', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean; dev?: boolean }>;
  };
  const scripted = Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && entry.hasInstallScript === true && entry.dev !== true)
    .map(([path]) => path);
  assert.deepEqual(scripted, []);
});

test('no source file is longer than 500 lines', () => {
  const long = sources.filter((file) => readFileSync(file, 'utf8').split('\n').length > 500);
  assert.deepEqual(long, []);
});

test('no file is named after a drawer', () => {
  const drawers = sources.filter((file) => /(^|\/)(utils?|helpers?|managers?|types|misc|common)\.ts$/.test(file));
  assert.deepEqual(drawers, []);
});

test('the lockfile names no registry host', () => {
  assert.ok(!readFileSync('package-lock.json', 'utf8').includes('"resolved"'));
});
