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

/** Policies by name. Throws EngineError for the first without one, or with another's. */
export function nameAll(parsed: readonly ParsedPolicy[], naming: PolicyNaming): Map<string, ParsedPolicy> {
  const named = new Map<string, ParsedPolicy>();
  for (const [index, policy] of parsed.entries()) {
    const id = idOf(policy, index, naming);
    const earlier = named.get(id);
    if (earlier !== undefined) {
      throw new EngineError({
        code: 'duplicate-id',
        message: `two policies have the id \`${id}\`; the first stands in ${earlier.file}:${earlier.line}`,
        hint: 'Give each policy an `@id` of its own.',
        file: policy.file,
        line: policy.line,
        column: policy.column,
      });
    }
    named.set(id, policy);
  }
  return named;
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
