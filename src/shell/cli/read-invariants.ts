import { PolicyFolderError, readInvariantFiles } from '../config/policy-folder.ts';
import { CliError } from './failure.ts';

/** The `*.invariants` of a folder; none is wrong use. */
export function readInvariants(folder: string): { file: string; text: string }[] {
  try {
    const files = readInvariantFiles(folder);
    if (files.length === 0) throw new CliError('usage', `no \`*.invariants\` file lies in \`${folder}\``);
    return [...files];
  } catch (error) {
    throw error instanceof PolicyFolderError ? new CliError('usage', error.message) : error;
  }
}
