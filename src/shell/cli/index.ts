export { type ApiAnswer, type ApiCall, type ApiClient, createApiClient } from './client.ts';
export type { Command, Invocation } from './command.ts';
export { CliError, type ExitCode, exitCodes } from './failure.ts';
export { formatTime, type Output, printable, table } from './output.ts';
export { runCli } from './run.ts';
