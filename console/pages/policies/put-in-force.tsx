import { Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { GateProgress } from '#foundation/model';
import { askWithProgress } from '../../api/ask-with-progress.ts';
import type { PublishedView } from '../../api/shapes.ts';

/** Longer than control gives tests and proofs. */
const gatesMsMax = 120_000;

function gateWords({ step, done, total, what }: GateProgress): string {
  if (step === 'tests') return 'Checking the policies and running their tests';
  return total === 0 ? 'Proving the invariants' : `Proved ${done} of ${total}: ${what}`;
}

interface PutInForce {
  /** Puts policies in force. Throws ProblemError. */
  readonly put: (path: string, asked: { readonly body: unknown; readonly ifMatch: number }) => Promise<PublishedView>;
  /** How far it is, while it lasts. */
  readonly told: ReactNode;
}

/** Tests run and invariants are proved before policies are in force: says how far that is. */
export function usePutInForce(): PutInForce {
  const [progress, setProgress] = useState<GateProgress | undefined>();
  return {
    put: async (path, asked) => {
      try {
        const signal = AbortSignal.timeout(gatesMsMax);
        return await askWithProgress<GateProgress, PublishedView>(path, { ...asked, onProgress: setProgress, signal });
      } finally {
        setProgress(undefined);
      }
    },
    told: (
      <Text size="sm" role="status" mih="1.5em">
        {progress === undefined ? '' : `${gateWords(progress)} …`}
      </Text>
    ),
  };
}
