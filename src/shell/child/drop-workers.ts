/**
 * Gives up the right to start worker threads, for good; those that run go on. Called once a process has its workers,
 * because a worker started with `execArgv: []` would not be under the permission model. Nothing happens without the model.
 */
export function dropWorkers(): void {
  // The types of this Node release do not know `drop` yet.
  const permission = process.permission as { drop?: (scope: string) => void } | undefined;
  if (permission === undefined) return;
  if (permission.drop === undefined) throw new Error('this Node cannot give up the right to start workers');
  permission.drop('worker');
}
