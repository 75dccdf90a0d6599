import { type PolicyFolder, PolicyFolderError, readPolicyFolder } from '../config/policy-folder.ts';
import { CliError } from './failure.ts';

/** The policy set of a folder; what is wrong with it is wrong use. */
export function readFolder(folder: string): PolicyFolder {
  try {
    return readPolicyFolder(folder);
  } catch (error) {
    throw error instanceof PolicyFolderError ? new CliError('usage', error.message) : error;
  }
}
