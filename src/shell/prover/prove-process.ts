// The process that proves. Cedar's parser and the solver live and die with it: both are large WebAssembly that what they are given can bring
// down or keep busy, and nothing else shall suffer from that. It answers one task and is ended by who started it.
import { EngineError, type PolicySet } from '#decision/engine';
import { parseInvariants, parsePolicySet } from '#decision/parser';
import { proveInvariants } from '#decision/proof';
import type { ProveAnswer, ProverMessage, ProverTask, ProveTask } from './messages.ts';
import { startZ3 } from './z3-solver.ts';

if (process.send === undefined) throw new Error('this process is started by a prover, not by hand');
// Signals for the whole program are for who started us, and who ends us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));

function tell(message: ProverMessage): void {
  process.send?.(message);
}

async function prove(task: ProveTask): Promise<ProveAnswer> {
  const { set, problems: policyProblems } = parsePolicySet(task);
  const parsed = parseInvariants(task.invariants, task.schema);
  const problems = [...policyProblems, ...parsed.problems];
  if (set === undefined || problems.some(({ level }) => level === 'error')) return { problems, results: [] };
  return { problems, results: await proveAll({ set, parsed, task }) };
}

async function proveAll({
  set,
  parsed,
  task,
}: {
  set: PolicySet;
  parsed: ReturnType<typeof parseInvariants>;
  task: ProveTask;
}): Promise<ProveAnswer['results']> {
  const solver = await startZ3(task);
  const total = parsed.invariants.filter(({ kind }) => kind !== 'assume').length;
  let done = 0;
  const onResult = ({ id }: { id: string }) => {
    done += 1;
    tell({ kind: 'progress', done, total, what: id });
  };
  return await proveInvariants({ set, invariants: parsed.invariants }, { solver, onResult });
}

process.on('message', (task: ProverTask) => {
  prove(task)
    .then((answer) => tell({ kind: 'answer', answer }))
    .catch((error: unknown) => {
      const failure = error instanceof EngineError || error instanceof Error ? error.message : String(error);
      tell({ kind: 'failure', failure });
    });
});
