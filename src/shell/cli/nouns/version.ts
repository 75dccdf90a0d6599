import type { Command } from '../command.ts';
import { exitCodes } from '../failure.ts';
import { productVersion } from '../product-version.ts';

export const versionCommands: readonly Command[] = [
  {
    noun: 'version',
    verb: null,
    summary: 'Prints the version',
    run: async ({ out }) => {
      const version = productVersion();
      out.answer({ version, node: process.version }, version);
      return exitCodes.done;
    },
  },
];
