import {
  compilePublication,
  type PublicationStatement,
  type PublishedPolicies,
  publicationStatement,
} from '#decision/administration';
import type { Problem } from '#decision/engine';
import type { Publication } from '#foundation/model';
import type { FactTable } from '#information/inventory';
import type { PolicyParser } from './policy-parser/policy-parser.ts';

export interface PublicationRequest {
  readonly schema: string;
  readonly policies: readonly { readonly file: string; readonly text: string }[];
  /** Entity uid of who publishes, in Cedar syntax. */
  readonly author: string;
  readonly message: string;
}

export interface PublicationNeeds {
  readonly facts: FactTable;
  readonly clock: () => number;
  readonly parser: PolicyParser;
  /** The signer's statement over sequence, hashes and states: gateways take no publication without it. */
  readonly signPublication: (statement: PublicationStatement) => Promise<string>;
}

/** Policies that must not be published; `problems` says why, each with its place. */
export class UnpublishableError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    const [first] = problems;
    super(
      first === undefined
        ? 'the policies are not valid'
        : `${first.file ?? 'the schema'}:${first.line ?? 1}:${first.column ?? 1}: ${first.message}`,
    );
    this.name = 'UnpublishableError';
    this.problems = problems;
  }
}

/**
 * Checks policies, compiles them, and has the signer sign what they are. Gives the next publication, ready to be committed as fact
 * `publication` `current` at `expectedRevision`. Throws UnpublishableError.
 */
export async function preparePublication(
  needs: PublicationNeeds,
  request: PublicationRequest,
): Promise<{ body: Publication; compiled: PublishedPolicies; expectedRevision: number }> {
  const { problems, parsedForm } = await needs.parser.prepare({ policies: request.policies, schema: request.schema });
  if (parsedForm === undefined) throw new UnpublishableError(problems.filter((each) => each.level === 'error'));
  const standing = needs.facts.standing('publication', 'current');
  const unsigned = {
    sequence: (standing?.body.sequence ?? 0) + 1,
    schema: request.schema,
    policies: request.policies.map(({ file, text }) => ({ file, text })),
    author: request.author,
    message: request.message,
    publishedAt: needs.clock(),
    parsed: parsedForm,
  };
  const compiled = compilePublication(unsigned);
  const manifest = await needs.signPublication(publicationStatement(unsigned, compiled.compiled));
  return { body: { ...unsigned, manifest }, compiled, expectedRevision: standing?.revision ?? 0 };
}
