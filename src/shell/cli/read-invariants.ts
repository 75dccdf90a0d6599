import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from './failure.ts';

const fileBytesMax = 1024 * 1024;

/** The `*.invariants` of a folder, in byte order of their names; none is wrong use. */
export function readInvariants(folder: string): { file: string; text: string }[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.invariants'));
  } catch {
    throw new CliError('usage', `\`${folder}\` is no folder that can be read`);
  }
  if (names.length === 0) throw new CliError('usage', `no \`*.invariants\` file lies in \`${folder}\``);
  return names
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((file) => {
      const path = join(folder, file);
      if (statSync(path).size > fileBytesMax)
        throw new CliError('failed', `\`${path}\` is larger than ${fileBytesMax} bytes`);
      return { file, text: readFileSync(path, 'utf8') };
    });
}
