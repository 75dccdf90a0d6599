/**
 * Node's own `node:http`. An ES import of it reads each of its exports, and those that are there for browsers' sake (`WebSocket`,
 * `CloseEvent`, `MessageEvent`) then load all of `fetch`: 50 ms and 12 MB of each process that never needs it. Asking for the module
 * does not. Types come from `node:http` by `import type`.
 */
export const { Agent, createServer, request, STATUS_CODES } = process.getBuiltinModule('node:http');
