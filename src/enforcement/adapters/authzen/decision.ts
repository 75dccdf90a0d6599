/** What a caller is told about one evaluation. */
export interface Answered {
  readonly decision: boolean;
  /** The journal's id of this decision: whoever administers finds it by that. */
  readonly id: string;
  /** `@id`s of the policies that decided; null when the caller may not see them. */
  readonly policies: readonly string[] | null;
  /** The policies' own words for people. */
  readonly words: readonly string[];
  /** When the question could not be judged, or not be read. */
  readonly error: { readonly status: number; readonly message: string } | null;
}

/** A Decision object, section 5.5. Reasons travel in the members that its example 1 names. */
export function decisionBody({ decision, id, policies, words, error }: Answered): Readonly<Record<string, unknown>> {
  return {
    decision,
    context: {
      id,
      ...(policies === null || policies.length === 0 ? {} : { reason_admin: { policies } }),
      ...(decision || words.length === 0 ? {} : { reason_user: { en: words.join(' ') } }),
      ...(error === null ? {} : { error }),
    },
  };
}
