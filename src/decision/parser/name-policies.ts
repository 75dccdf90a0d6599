import { EngineError, type Problem, policyIdLengthMax } from '#decision/engine';
import type { ParsedPolicy } from './parse-policies.ts';

/** `annotation`: every policy carries a unique `@id`, as published sets must. `position`: `policy0`, `policy1` … as Cedar numbers them. */
export type PolicyNaming = 'annotation' | 'position';

function idOf(policy: ParsedPolicy, index: number, naming: PolicyNaming): string {
  if (naming === 'position') return `policy${index}`;
  const where = { file: policy.file, line: policy.line, column: policy.column };
  const id = policy.annotations['id'];
  if (id === undefined || id.trim() === '' || id.length > policyIdLengthMax) {
    throw new EngineError({
      code: 'missing-id',
      message: `a policy has no \`@id\`, or one longer than ${policyIdLengthMax} characters`,
      hint: 'Write `@id("a-name-of-its-own")` before it: journals and refusals name policies by it.',
      ...where,
    });
  }
  if (policy.kind === 'template') {
    throw new EngineError({
      code: 'unlinked-template',
      message: `\`${id}\` is a template (it has \`?principal\` or \`?resource\`), and published sets have no links`,
      hint: 'Name the principal or resource, or use a group; just-in-time access is a grant, not a template.',
      ...where,
    });
  }
  return id;
}

/** Policies by name, and what is wrong with the names of the others. */
export interface NamedPolicies {
  readonly named: ReadonlyMap<string, ParsedPolicy>;
  readonly problems: readonly Problem[];
}

/** Names policies; those without a name, or with another's, are told one by one and left out. */
export function nameAll(parsed: readonly ParsedPolicy[], naming: PolicyNaming): NamedPolicies {
  const named = new Map<string, ParsedPolicy>();
  const problems: Problem[] = [];
  for (const [index, policy] of parsed.entries()) {
    try {
      const id = idOf(policy, index, naming);
      refuseTaken(id, policy, named.get(id));
      named.set(id, policy);
    } catch (error) {
      problems.push(problemOf(error));
    }
  }
  return { named, problems };
}

function refuseTaken(id: string, { file, line, column }: ParsedPolicy, earlier: ParsedPolicy | undefined): void {
  if (earlier === undefined) return;
  throw new EngineError({
    code: 'duplicate-id',
    message: `two policies have the id \`${id}\`; the first stands in ${earlier.file}:${earlier.line}`,
    hint: 'Give each policy an `@id` of its own.',
    ...{ file, line, column },
  });
}

/** Anything that is not an error of the author's is thrown on. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof EngineError)) throw error;
  const { code, message, file, line, column, hint } = error;
  return {
    level: 'error',
    code,
    message,
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
    ...(hint === undefined ? {} : { hint }),
  };
}
