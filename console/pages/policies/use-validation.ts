import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { ask } from '../../api/ask.ts';
import type { PolicyProblem } from '../../api/shapes.ts';
import { type Draft, schemaName } from './draft.ts';

const typingPauseMs = 400;

interface Validation {
  readonly valid: boolean;
  readonly problems: readonly PolicyProblem[];
}

/** Has the API parse and validate the draft whenever typing pauses. `isCurrent` tells whether the answer is about what is shown. */
export function useValidation(draft: Draft) {
  const [settled] = useDebouncedValue(draft, typingPauseMs);
  const answer = useQuery({
    queryKey: ['policies', 'validate', settled],
    queryFn: async ({ signal }) => {
      const answer = await ask<Validation>('/policies/validate', { method: 'POST', body: settled, signal });
      const named = answer.problems.map((each) => (each.file === '(schema)' ? { ...each, file: schemaName } : each));
      return { ...answer, problems: named };
    },
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 10_000,
  });
  return { ...answer, isCurrent: settled === draft && !answer.isPlaceholderData && answer.data !== undefined };
}
