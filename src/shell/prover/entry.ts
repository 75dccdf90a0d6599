import { fileURLToPath } from 'node:url';

const isSource = import.meta.url.endsWith('.ts');

/** The file that the proving process runs. */
export const entryOfProver = fileURLToPath(new URL(`./prove-process.${isSource ? 'ts' : 'js'}`, import.meta.url));
