import { fileURLToPath } from 'node:url';

const isSource = import.meta.url.endsWith('.ts');

/** The file that the parsing process runs. */
export const entryOfParser = fileURLToPath(new URL(`./parse-process.${isSource ? 'ts' : 'js'}`, import.meta.url));
