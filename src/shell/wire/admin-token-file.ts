import { join } from 'node:path';

/** Where control leaves the bearer token of its admin socket, for the CLI. */
export function adminTokenFile(dataDirectory: string): string {
  return join(dataDirectory, 'control.token');
}
