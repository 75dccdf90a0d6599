// A small gateway process for the supervisor's tests: tells over its plain port what it can reach, and passes calls to control.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { beChild, dropWorkers } from '#shell/child';

const child = await beChild('gateway');
const { dataDirectory, control, listen, signerKeys } = child.handoff;

function outcome(action: () => unknown): string {
  try {
    action();
    return 'done';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const early = new Worker('0', { eval: true });
await once(early, 'exit');
dropWorkers();

const own = join(dataDirectory, 'gateway', child.handoff.name);
const attempts = () => ({
  rootKey: outcome(() => readFileSync(`${dataDirectory}.root-key`)),
  signerKeys: outcome(() => readFileSync(join(dataDirectory, 'signer', 'keys.json'))),
  adminToken: outcome(() => readFileSync(join(dataDirectory, 'control.token'))),
  store: outcome(() => readdirSync(join(dataDirectory, 'store'))),
  otherCache: outcome(() => writeFileSync(join(dataDirectory, 'cache', 'control', 'x'), 'x')),
  otherJournal: outcome(() => writeFileSync(join(dataDirectory, 'journal', 'control', 'x'), 'x')),
  code: outcome(() => writeFileSync(new URL(import.meta.url), 'x')),
  passwords: outcome(() => readFileSync('/etc/passwd')),
  environment: outcome(() => readFileSync('/proc/self/environ')),
  link: outcome(() => symlinkSync('../../signer/keys.json', join(own, 'link'))),
  spawn: outcome(() => execFileSync('/bin/true')),
  addon: outcome(() => process.dlopen({ exports: {} }, '/lib/x.node')),
  ownFolder: outcome(() => writeFileSync(join(own, 'position'), '1')),
  ownJournal: outcome(() => writeFileSync(join(dataDirectory, 'journal', child.handoff.name, 'x'), '1')),
  worker: outcome(() => new Worker('0', { eval: true, execArgv: [] })),
});

const server = createServer((incoming, response) => {
  if (incoming.url === '/reach')
    response.end(
      JSON.stringify({
        attempts: attempts(),
        environment: Object.keys(process.env),
        argv: process.argv,
        execArgv: process.execArgv,
      }),
    );
  else if (incoming.url === '/keys') response.end(JSON.stringify(signerKeys));
  else if (incoming.url === '/pid') response.end(String(process.pid));
  else
    request({ socketPath: 'socketPath' in control ? control.socketPath : '', path: '/' }, (answer) =>
      answer.pipe(response),
    )
      .on('error', () => response.writeHead(503).end())
      .end();
});
server.listen(listen.plain?.port, listen.plain?.host, () => child.ready());
child.onStop(() => {
  server.close();
  process.stderr.write('gateway stops\n');
});
