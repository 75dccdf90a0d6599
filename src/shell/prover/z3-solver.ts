import type { Solver } from '#decision/proof';

/** What the solver may take, all questions of its process together. */
const memoryMegabytesMax = 1_500;

/**
 * Starts Z3 (WebAssembly with threads) and speaks SMT-LIB 2 with it. Each check ends within `checkMsMax`: then its answer is `unknown`,
 * and so is everything that is not plainly `sat` or `unsat`.
 */
export async function startZ3({ checkMsMax }: { checkMsMax: number }): Promise<Solver> {
  // Loaded here and not above: 35 MB that only this process has.
  const { init } = await import('z3-solver');
  const { Z3 } = await init();
  Z3.global_param_set('memory_max_size', String(memoryMegabytesMax));
  const config = Z3.mk_config();
  const context = Z3.mk_context(config);
  Z3.del_config(config);
  const run = async (script: string): Promise<string> => {
    try {
      return (await Z3.eval_smtlib2_string(context, script)).trim();
    } catch {
      // Out of memory, or something it could not read: no answer either way.
      return 'unknown';
    }
  };
  return {
    check: async (script) => {
      const answer = await run(`(reset)\n(set-option :timeout ${checkMsMax})\n${script}\n(check-sat)`);
      return answer === 'sat' || answer === 'unsat' ? answer : 'unknown';
    },
    values: async (names) => (names.length === 0 ? '()' : await run(`(get-value (${names.join(' ')}))`)),
  };
}
