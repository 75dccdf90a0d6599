import { z } from 'zod';
import { failedTestProblem } from '#decision/analysis';
import type { Problem } from '#decision/engine';
import { policyStateSchema } from '#foundation/model';
import { checkFileCountMax, policyFileCountMax } from '../../config/policy-folder.ts';
import type { TestedPolicies } from '../policy-parser/policy-parser.ts';

const textFiles = z.array(z.strictObject({ file: z.string().min(1).max(300), text: z.string().max(1_000_000) }));
/** Policy files of a request. */
export const policyFilesSchema = textFiles.max(policyFileCountMax);
export const schemaText = z.string().max(1_000_000);
/** Files of tests or of invariants. */
export const checkFilesSchema = textFiles.max(checkFileCountMax);
const policyId = { id: z.string().min(1).max(200) };
const [shadowState, stagedState] = policyStateSchema.options;
/** What shall become of policies. */
export const stateChangesSchema = z
  .array(
    z.discriminatedUnion('state', [
      z.strictObject({ ...policyId, state: z.literal('enforced') }),
      shadowState.extend(policyId),
      stagedState.extend(policyId),
    ]),
  )
  .max(10_000);
/** A whole policy set with its schema. */
export const policyBodyBytesMax = 16 * 1024 * 1024;
export const problemView = z.strictObject({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
  help: z.string().optional(),
});

/** A problem as editors show it. */
export function viewProblem(found: Problem): z.infer<typeof problemView> {
  return {
    file: found.file ?? '(schema)',
    line: found.line ?? 1,
    column: found.column ?? 1,
    severity: found.level,
    code: found.code,
    message: found.message,
    ...(found.hint === undefined ? {} : { help: found.hint }),
  };
}

/** Tests that cannot be read are errors; those that fail are told as warnings, because the policies themselves are valid. */
export function problemsOfTests(tested: TestedPolicies | undefined): z.infer<typeof problemView>[] {
  if (tested === undefined) return [];
  if ('problems' in tested) {
    return tested.problems.map(({ file, line, column, message }) => ({
      ...{ file, line, column, message },
      severity: 'error' as const,
      code: 'test-file',
    }));
  }
  return tested.results
    .filter(({ passed }) => !passed)
    .map((result) => ({
      ...failedTestProblem(result),
      severity: 'warning' as const,
      code: 'test-failed',
    }));
}
