const programs: Record<string, string> = { 'local-operator': 'local operator' };

/**
 * Reads who is meant where the API names an actor: a bare user id, `User::"id"`, or a program (`Workload::"id"`).
 * `userId` is undefined when it is no person.
 */
export function personIn(text: string): { readonly userId: string | undefined; readonly words: string } {
  const match = /^([A-Za-z_:]+)::("(?:[^"\\]|\\.)*")$/.exec(text);
  if (match === null) return { userId: text, words: text };
  let id: string;
  try {
    id = String(JSON.parse(match[2] ?? '""'));
  } catch {
    return { userId: undefined, words: text };
  }
  return match[1] === 'User' ? { userId: id, words: id } : { userId: undefined, words: programs[id] ?? id };
}
