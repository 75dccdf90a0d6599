import { jsonText } from '#foundation/encoding';

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

/** Words that many answers share, as they are written: the same list is never changed. */
const written = new WeakMap<readonly string[], string>();

function reasonText(words: readonly string[]): string {
  let text = written.get(words);
  if (text === undefined) {
    text = JSON.stringify({ en: words.join(' ') });
    if (Object.isFrozen(words)) written.set(words, text);
  }
  return text;
}

/** A Decision object, section 5.5, as JSON. Reasons travel in the members that its example 1 names. */
export function decisionText({ decision, id, policies, words, error }: Answered): string {
  let context = `"id":${jsonText(id)}`;
  if (policies !== null && policies.length > 0) context += `,"reason_admin":${JSON.stringify({ policies })}`;
  if (!decision && words.length > 0) context += `,"reason_user":${reasonText(words)}`;
  if (error !== null) context += `,"error":${JSON.stringify(error)}`;
  return `{"decision":${decision},"context":{${context}}}`;
}

/** Answers that are looked through before one is written. */
const knownMax = 8;

/** Writes the decisions of a batch: most are one of a few, and each of those is written once. */
export class DecisionTexts {
  readonly #known: { readonly answered: Answered; readonly text: string }[] = [];

  of(answered: Answered): string {
    const { decision, id, policies, words, error } = answered;
    if (error !== null) return decisionText(answered);
    // Lists of policies and words are the same objects where one policy decided, or none.
    for (const { answered: each, text } of this.#known) {
      if (each.decision === decision && each.words === words && each.policies === policies && each.id === id)
        return text;
    }
    const text = decisionText(answered);
    if (this.#known.length < knownMax) this.#known.push({ answered, text });
    return text;
  }
}
