// The process that parses policies, started by control. Cedar's parser lives and dies with it: its WebAssembly keeps what it ever took, and
// a trap in it is for good. It ends when control is gone, because nothing but the channel keeps it.
import { checkPolicies, preparePolicies } from '#decision/parser';
import type { ParseAnswer, ParseRequest } from './policy-parser.ts';

if (process.send === undefined) throw new Error('this process is started by the control process, not by hand');
// Signals for the whole program are the supervisor's, which ends control, which ends us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('message', ({ policies, schema }: ParseRequest) => {
  let answer: ParseAnswer;
  try {
    answer =
      schema === null
        ? { problems: checkPolicies({ policies, schema }), parsedForm: undefined }
        : preparePolicies({ policies, schema });
  } catch (error) {
    // A trap: nothing this process says afterwards is worth anything.
    answer = { failure: error instanceof Error ? error.message : String(error) };
  }
  process.send?.(answer);
});
