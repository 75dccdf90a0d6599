import type { Solver } from '#decision/proof';

/** What the solver may take, all questions of its process together. */
const memoryMegabytesMax = 1_500;

/** What we use of the solver's WebAssembly module; its package does not type it. */
interface Module {
  readonly HEAPU8: Uint8Array;
  _malloc(size: number): number;
  _free(pointer: number): void;
  _async_Z3_eval_smtlib2_string(context: number, text: number): void;
  async_call(run: (context: number, text: number) => void, context: number, text: number): Promise<string>;
}

/**
 * Starts Z3 (WebAssembly with threads) and speaks SMT-LIB 2 with it. All checks of a question end within `checkMsMax`: then the answer is `unknown`,
 * and so is everything that is not plainly `sat` or `unsat`.
 */
export async function startZ3({
  checkMsMax,
  monotonicClock = () => performance.now(),
}: {
  checkMsMax: number;
  monotonicClock?: () => number;
}): Promise<Solver & { close(): void }> {
  // Loaded here and not above: 35 MB that only this process has.
  const { init, killThreads } = await import('z3-solver');
  const { Z3, em } = await init();
  const module = em as Module;
  Z3.global_param_set('memory_max_size', String(memoryMegabytesMax));
  const config = Z3.mk_config();
  const context = Z3.mk_context(config);
  Z3.del_config(config);

  async function run(script: string): Promise<string> {
    // The package's own call puts the text on the stack and returns while a thread still reads it: the solver would see something else.
    const bytes = Buffer.from(`${script}\0`, 'utf8');
    const text = module._malloc(bytes.length);
    if (text === 0) return 'unknown';
    module.HEAPU8.set(bytes, text);
    try {
      return (await module.async_call(module._async_Z3_eval_smtlib2_string, Number(context), text)).trim();
    } catch {
      // Out of memory, or something it could not read: no answer either way.
      return 'unknown';
    } finally {
      module._free(text);
    }
  }
  let endsAt = Number.POSITIVE_INFINITY;
  const msLeft = () => Math.ceil(endsAt - monotonicClock());
  return {
    check: async (script, isMore = false) => {
      if (!isMore) endsAt = monotonicClock() + checkMsMax;
      const timeout = msLeft();
      // To the solver 0 is no limit.
      if (timeout <= 0) return 'unknown';
      const answer = await run(`(reset)\n(set-option :timeout ${timeout})\n${script}\n(check-sat)`);
      return answer === 'sat' || answer === 'unsat' ? answer : 'unknown';
    },
    isLate: () => msLeft() <= 0,
    values: async (names) => (names.length === 0 ? '()' : await run(`(get-value (${names.join(' ')}))`)),
    close: () => void killThreads(em),
  };
}
