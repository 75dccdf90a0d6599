/** A question asked backwards, as the page's address says it. */
export type ReverseQuestion =
  | {
      readonly ask: 'who';
      readonly action: string;
      readonly resource: string;
      readonly route: string;
      readonly answer: string;
      readonly q: string;
    }
  | { readonly ask: 'what'; readonly user: string; readonly answer: string; readonly q: string };

const answers = ['allow', 'deny', 'any'];

/** Reads the question out of the address, so that what somebody sees can be shared. */
export function reverseQuestionIn(search: URLSearchParams): ReverseQuestion | undefined {
  const text = (name: string) => search.get(name) ?? '';
  const answer = answers.includes(text('answer')) ? text('answer') : 'allow';
  const common = { answer, q: text('q') };
  if (text('ask') === 'what') return text('user') === '' ? undefined : { ask: 'what', user: text('user'), ...common };
  if (text('resource') === '') return undefined;
  const action = text('action') === '' ? 'read' : text('action');
  return { ask: 'who', action, resource: text('resource'), route: text('route'), ...common };
}
