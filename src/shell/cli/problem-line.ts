import { join } from 'node:path';

/** Something wrong at a place, as engine and API tell it. */
interface Placed {
  readonly level?: 'error' | 'warning' | undefined;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** A set has one schema, which problems and API know without its file. */
const schemaFile = 'schema.cedarschema';

/** The path of a problem of the API, as a file of the folder. */
export const fileOfPath = (path: string): string => path.replace(/^\(schema\)/, schemaFile);

/**
 * `policies/apps.cedar:3:5: what is wrong; what may help`, the one shape in which every command tells it, and which editors can follow; `folder`
 * is where the file lies.
 */
export function problemLine({ level, file, line, column, message, hint }: Placed, folder = ''): string {
  const named = file ?? (line === undefined ? undefined : schemaFile);
  const place = named === undefined ? folder : [join(folder, fileOfPath(named)), line ?? 1, column ?? 1].join(':');
  const mark = level === 'warning' ? 'warning: ' : '';
  return `${place === '' ? '' : `${place}: `}${mark}${message}${hint === undefined ? '' : `; ${hint}`}`;
}

/** Something wrong or doubtful, as the API tells it. */
export interface ToldProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly help?: string;
}

/** The same line of what the API told. */
export function toldLine({ severity, help, ...place }: ToldProblem, folder = ''): string {
  return problemLine({ ...place, level: severity, hint: help }, folder);
}
