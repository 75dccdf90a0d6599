import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';

export interface PolicyFolder {
  readonly schema: string | undefined;
  readonly policies: readonly { readonly file: string; readonly text: string }[];
  /** `*.test.yaml`. */
  readonly tests: readonly { readonly file: string; readonly text: string }[];
  /** `*.invariants`. */
  readonly invariants: readonly { readonly file: string; readonly text: string }[];
}

/** A folder that holds no policy set; the message says why. */
export class PolicyFolderError extends Error {
  override readonly name = 'PolicyFolderError';
}

/** Files of policies in one set, and files of its tests or of its invariants. */
export const policyFileCountMax = 10_000;
export const checkFileCountMax = 1_000;
const policyFileBytesMax = 1024 * 1024;

/** Reads `*.cedar`, `*.test.yaml` and `*.invariants` in byte order of their names, and the one `*.cedarschema`. Throws PolicyFolderError. */
export function readPolicyFolder(folder: string): PolicyFolder {
  const { names, top } = listFolder(folder);
  const all = (ending: string, countMax = checkFileCountMax) => readAll(folder, { names, top, ending, countMax });
  const schemas = names.filter((name) => name.endsWith('.cedarschema'));
  if (!names.some((name) => name.endsWith('.cedar')))
    throw new PolicyFolderError(`no \`*.cedar\` file lies in \`${folder}\``);
  if (schemas.length > 1) {
    throw new PolicyFolderError(`\`${folder}\` holds several schemas (${schemas.join(', ')}); keep one`);
  }
  const [schema] = schemas;
  return {
    schema: schema === undefined ? undefined : readOne(folder, { top, name: schema }),
    policies: all('.cedar', policyFileCountMax),
    tests: all('.test.yaml'),
    invariants: all('.invariants'),
  };
}

/** The `*.invariants` of a folder, in byte order of their names; there may be none. Throws PolicyFolderError. */
export function readInvariantFiles(folder: string): PolicyFolder['invariants'] {
  const { names, top } = listFolder(folder);
  return readAll(folder, { names, top, ending: '.invariants', countMax: checkFileCountMax });
}

interface Wanted {
  readonly names: readonly string[];
  readonly top: string;
  readonly ending: string;
  readonly countMax: number;
}

function readAll(folder: string, { names, top, ending, countMax }: Wanted): PolicyFolder['policies'] {
  const found = names.filter((name) => name.endsWith(ending));
  if (found.length > countMax) {
    throw new PolicyFolderError(
      `\`${folder}\` holds ${found.length} \`*${ending}\` files, more than the ${countMax} that are read; put several into one`,
    );
  }
  return found.map((file) => ({ file, text: readOne(folder, { top, name: file }) }));
}

/** Names in byte order, and where the folder really is. */
function listFolder(folder: string): { names: string[]; top: string } {
  try {
    const names = readdirSync(folder).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return { names, top: realpathSync(folder) };
  } catch {
    throw new PolicyFolderError(`\`${folder}\` is no folder that can be read`);
  }
}

/**
 * Reads one file. A symbolic link may lead to another place in the folder, and never out of it: a checkout that others write to would have us
 * read, publish and show what only we may read.
 */
function readOne(folder: string, { top, name }: { top: string; name: string }): string {
  const path = join(folder, name);
  const outside = `\`${path}\` is a symbolic link that leads out of the folder; put the file itself there`;
  let real: string;
  let file: number;
  try {
    real = realpathSync(path);
    if (!isInside(top, real)) throw new PolicyFolderError(outside);
    // Nothing waits for the other end of a pipe.
    file = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (error instanceof PolicyFolderError) throw error;
    throw new PolicyFolderError(`\`${path}\` cannot be read; is it a link to what is not there?`);
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new PolicyFolderError(`\`${path}\` is no file`);
    // A folder on the way may have become a link since: what counts is where the file lies that is open now.
    if (!isInside(top, placeOf(file, real))) throw new PolicyFolderError(outside);
    const bytes = found.size > policyFileBytesMax ? null : readFileSync(file);
    // It may have grown since.
    if (bytes === null || bytes.byteLength > policyFileBytesMax)
      throw new PolicyFolderError(`\`${path}\` is larger than ${policyFileBytesMax} bytes`);
    return bytes.toString('utf8');
  } finally {
    closeSync(file);
  }
}

function isInside(top: string, real: string): boolean {
  const way = relative(top, real);
  return way.split(sep)[0] !== '..' && !isAbsolute(way);
}

/** Where an open file lies, from the kernel; where there is no `/proc`, by its path once more, which somebody quick could change again. */
function placeOf(file: number, path: string): string {
  return existsSync('/proc/self/fd') ? readlinkSync(`/proc/self/fd/${file}`) : realpathSync(path);
}
