// Reads the published Cedar test data that lies beside the checkout (../shared/data/cedar); it is not copied into the repo.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';

export const cedarDataFolder = join(import.meta.dirname, '../../../shared/data/cedar');
export const isCedarDataPresent = existsSync(cedarDataFolder);
export const cedarDataAbsent = 'the published Cedar data does not lie in ../shared/data/cedar beside the checkout';

/** One published test: texts by role, requests as JSON text, since their integers may not be rounded. */
export interface CorpusCase {
  readonly name: string;
  readonly policies: string;
  readonly schema: string;
  readonly entities: string;
  readonly test: string;
}

/** The regular files of a tar archive (POSIX ustar), by name. */
function* filesOfTar(bytes: Buffer): Generator<[name: string, text: string]> {
  const field = (at: number, length: number) => bytes.toString('latin1', at, at + length).split('\0')[0] ?? '';
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const size = Number.parseInt(field(at + 124, 12), 8);
    if (field(at + 156, 1) === '0') yield [field(at, 100), bytes.toString('utf8', at + 512, at + 512 + size)];
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

/** The generated corpus: 3,957 tests of 8 requests each. */
export function generatedCases(): CorpusCase[] {
  const files = new Map(filesOfTar(gunzipSync(readFileSync(join(cedarDataFolder, 'corpus.tar.gz')))));
  const names = [...files.keys()].filter((name) => name.endsWith('.cedar')).map((name) => name.slice(0, -6));
  const text = (name: string) => files.get(name) ?? '';
  return names.sort().map((name) => ({
    name,
    policies: text(`${name}.cedar`),
    schema: text(`${name}.cedarschema`),
    entities: text(`${name}.entities.json`),
    test: text(`${name}.json`),
  }));
}

/** The tests that Cedar's authors wrote by hand. */
export function handwrittenCases(): CorpusCase[] {
  const folder = join(cedarDataFolder, 'handwritten');
  return globSync(join(folder, 'tests/*/*.json'))
    .sort()
    .map((file) => {
      const test = readFileSync(file, 'utf8');
      const names = JSON.parse(test) as { policies: string; schema: string; entities: string };
      const text = (name: string) => readFileSync(join(folder, name), 'utf8');
      return {
        name: relative(folder, file),
        policies: text(names.policies),
        schema: text(names.schema),
        entities: text(names.entities),
        test,
      };
    });
}
