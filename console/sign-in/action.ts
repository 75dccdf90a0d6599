import { useCallback, useState } from 'react';

export interface Action {
  readonly busy: boolean;
  readonly error: Error | undefined;
  /** Runs a step; a second press while one runs does nothing. */
  run(step: () => Promise<void>): void;
}

/** One thing at a time: busy while it runs, its error in words when it failed. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const run = useCallback((step: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    step()
      .catch((problem: unknown) => setError(problem instanceof Error ? problem : new Error('Something went wrong.')))
      .finally(() => setBusy(false));
  }, []);
  return { busy, error, run: busy ? () => {} : run };
}
