// The process that proves. Cedar's parser and the solver live and die with it: both are large WebAssembly that what they are given can bring
// down or keep busy, and nothing else shall suffer from that. It answers one task and is ended by who started it.
import type { Problem } from '#decision/engine';
import { parseInvariants, parsePolicySet } from '#decision/parser';
import { analyseSet, compareSets, proveInvariants, withoutShadow } from '#decision/proof';
import type { AnalyseTask, CompareTask, ProverAnswer, ProverMessage, ProverTask, ProveTask } from './messages.ts';
import { type RememberingSolver, rememberingSolver } from './remember-answers.ts';
import { startZ3 } from './z3-solver.ts';

if (process.send === undefined) throw new Error('this process is started by a prover, not by hand');
// Signals for the whole program are for who started us, and who ends us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));

function tell(message: ProverMessage): void {
  process.send?.(message);
}

const tellProgress = (done: number, total: number, what = '') => tell({ kind: 'progress', done, total, what });
const hasError = (problems: readonly Problem[]) => problems.some(({ level }) => level === 'error');

async function prove(task: ProveTask, solver: RememberingSolver): Promise<ProverAnswer> {
  const { set, problems: policyProblems } = parsePolicySet(task);
  const { invariants, problems: invariantProblems } = parseInvariants(task.invariants, task.schema);
  const problems = [...policyProblems, ...invariantProblems];
  if (set === undefined || hasError(problems)) return { problems, found: undefined };
  const total = invariants.filter(({ kind }) => kind !== 'assume').length;
  let done = 0;
  const onResult = ({ id }: { id: string }) => {
    done += 1;
    tellProgress(done, total, id);
  };
  return {
    problems,
    found: await proveInvariants({ set, invariants, states: task.states ?? [] }, { solver, onResult }),
  };
}

/** Both sets under the schema of the second: a difference that no request of it shows is none. */
async function compare({ before, after }: CompareTask, solver: RememberingSolver): Promise<ProverAnswer> {
  const old = parsePolicySet({ policies: before.policies, schema: after.schema });
  const next = parsePolicySet(after);
  // Whose file is meant is not seen from its name, which both sets may have.
  const ofBefore = old.problems.map((problem) => ({ ...problem, file: `(old) ${problem.file ?? ''}` }));
  const problems = [...ofBefore, ...next.problems];
  if (old.set === undefined || next.set === undefined) return { problems, found: undefined };
  const sets = {
    before: withoutShadow(old.set, before.states ?? []),
    after: withoutShadow(next.set, after.states ?? []),
  };
  return { problems, found: await compareSets(sets, { solver, onProgress: tellProgress }) };
}

async function analyse(task: AnalyseTask, solver: RememberingSolver): Promise<ProverAnswer> {
  const { set, problems } = parsePolicySet(task);
  if (set === undefined) return { problems, found: undefined };
  return {
    problems,
    found: await analyseSet(withoutShadow(set, task.states ?? []), {
      solver,
      onProgress: tellProgress,
    }),
  };
}

function answer(task: ProverTask, solver: RememberingSolver): Promise<ProverAnswer> {
  if (task.task === 'prove') return prove(task, solver);
  return task.task === 'compare' ? compare(task, solver) : analyse(task, solver);
}

process.on('message', (task: ProverTask) => {
  const solver = rememberingSolver(() => startZ3(task), task.known);
  answer(task, solver)
    .then((found) => tell({ kind: 'answer', answer: found, learned: solver.learned }))
    .catch((error: unknown) =>
      tell({ kind: 'failure', failure: error instanceof Error ? error.message : String(error) }),
    );
});
