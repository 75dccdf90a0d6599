import { QueryClient, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { ask, queryText } from './ask.ts';
import { ProblemError } from './problem.ts';
import type { Me, Page } from './shapes.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A refusal will not change by asking again; a server that did not answer may come back.
      retry: (count, error) => {
        const status = error instanceof ProblemError ? error.problem.status : 0;
        return count < 2 && (status === 0 || status === 502 || status === 503);
      },
    },
  },
});

/** Reads one path; `path` undefined waits. Every key begins with the noun, so that a change can refresh all of it. */
export function useAnswer<T>(path: string | undefined, options: { refetchMs?: number } = {}) {
  return useQuery({
    queryKey: keyOf(path ?? ''),
    queryFn: ({ signal }) => ask<T>(path ?? '', { signal }),
    enabled: path !== undefined,
    refetchInterval: options.refetchMs ?? false,
  });
}

/** Reads a list page by page. */
export function useList<T, P extends Page<T> = Page<T>>(
  path: string,
  parameters: Record<string, string | number | undefined> = {},
) {
  const query = useInfiniteQuery({
    queryKey: [...keyOf(path), 'list', parameters],
    queryFn: ({ signal, pageParam }) =>
      ask<P>(`${path}${queryText({ ...parameters, cursor: pageParam ?? undefined })}`, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  return { ...query, items: query.data?.pages.flatMap((page) => page.items) };
}

function keyOf(path: string): string[] {
  return path.split('?')[0]?.split('/').filter(Boolean).concat(path) ?? [path];
}

/** Refreshes everything read under these nouns (first path segment, such as `users`), and the overview. */
export async function refresh(...nouns: string[]): Promise<void> {
  await Promise.all([...nouns, 'overview'].map((noun) => queryClient.invalidateQueries({ queryKey: [noun] })));
}

export function useMe() {
  return useAnswer<Me>('/me');
}
