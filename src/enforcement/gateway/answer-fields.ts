/** Fields of an answer that were checked and cleaned where they were read, and are laid out for HTTP/1.1 already. */
export interface LaidFields {
  /** Each line with its CRLF, as the app spelled it; no framing, and no length of the body. */
  readonly lines: string;
  /** Declared length of the body, -1 for none. */
  readonly contentLength: number;
  readonly hasDate: boolean;
  /** The same for others, the length among them: lower-case name and value in turn. */
  readonly pairs: readonly string[];
}

/** Fields of an answer on its way to the client: lower-case name and value in turn, or laid out. */
export type AnswerFields = readonly string[] | LaidFields;

export function pairsOf(fields: AnswerFields): readonly string[] {
  return 'pairs' in fields ? fields.pairs : fields;
}
