// The thread that parses policies. Cedar's parser lives and dies with it: its WebAssembly keeps what it ever took, and a trap in it is for good.
import { parentPort } from 'node:worker_threads';
import { checkPolicies, preparePolicies } from '#decision/parser';
import type { ParseAnswer, ParseRequest } from './policy-parser.ts';

if (parentPort === null) throw new Error('this file is a thread of the control process');
const port = parentPort;
port.on('message', ({ policies, schema }: ParseRequest) => {
  let answer: ParseAnswer;
  try {
    answer =
      schema === null
        ? { problems: checkPolicies({ policies, schema }), parsedForm: undefined }
        : preparePolicies({ policies, schema });
  } catch (error) {
    // A trap: nothing this thread says afterwards is worth anything.
    answer = { failure: error instanceof Error ? error.message : String(error) };
  }
  port.postMessage(answer);
});
