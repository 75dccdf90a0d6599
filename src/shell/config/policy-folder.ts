import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

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

/** Files of one folder, and bytes of one file. */
const policyFileCountMax = 10_000;
const policyFileBytesMax = 1024 * 1024;

/** Reads `*.cedar`, `*.test.yaml` and `*.invariants` in byte order of their names, and the one `*.cedarschema`. Throws PolicyFolderError. */
export function readPolicyFolder(folder: string): PolicyFolder {
  let names: string[];
  try {
    names = readdirSync(folder).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch {
    throw new PolicyFolderError(`\`${folder}\` is no folder that can be read`);
  }
  const all = (ending: string) =>
    names.filter((name) => name.endsWith(ending)).map((file) => ({ file, text: readOne(folder, file) }));
  const schemas = names.filter((name) => name.endsWith('.cedarschema'));
  const files = names.filter((name) => name.endsWith('.cedar'));
  if (files.length === 0) throw new PolicyFolderError(`no \`*.cedar\` file lies in \`${folder}\``);
  if (files.length > policyFileCountMax) {
    throw new PolicyFolderError(`\`${folder}\` holds more than ${policyFileCountMax} policy files`);
  }
  if (schemas.length > 1) {
    throw new PolicyFolderError(`\`${folder}\` holds several schemas (${schemas.join(', ')}); keep one`);
  }
  const [schema] = schemas;
  return {
    schema: schema === undefined ? undefined : readOne(folder, schema),
    policies: files.map((file) => ({ file, text: readOne(folder, file) })),
    tests: all('.test.yaml'),
    invariants: all('.invariants'),
  };
}

function readOne(folder: string, name: string): string {
  const path = join(folder, name);
  if (statSync(path).size > policyFileBytesMax) {
    throw new PolicyFolderError(`\`${path}\` is larger than ${policyFileBytesMax} bytes`);
  }
  return readFileSync(path, 'utf8');
}
