// Loaded into `nullius up` by a benchmark (`--import`), never by the product: goes with it when it becomes the supervisor, and starts
// the gateway there with V8's CPU profiler, which writes into NULLIUS_BENCH_PROFILE. The profiler cannot write under Node's permission
// model, which checks nothing while requests are served, so this gateway runs without it.
import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';

const folder = process.env['NULLIUS_BENCH_PROFILE'];
const { spawn } = childProcess;
const { execve } = process;
if (folder !== undefined && execve !== undefined) {
  childProcess.spawn = ((command: string, args: string[], options: object) => {
    const isGateway = /gateway[/\\]main\.[jt]s$/.test(args.at(-1) ?? '');
    if (!isGateway) return spawn(command, args, options);
    const kept = args.filter((arg) => !/^--(?:permission|allow-)/.test(arg));
    return spawn(command, ['--cpu-prof', `--cpu-prof-dir=${folder}`, ...kept], options);
  }) as typeof spawn;
  syncBuiltinESMExports();
  process.execve = (file, [name = file, ...args] = [], environment = {}) =>
    execve.call(process, file, [name, `--import=${import.meta.url}`, ...args], environment);
}
