// `nullius up` with stand-ins for control and gateway; the signer is real. Arguments: data folder, plain port, then overrides.
import { fileURLToPath } from 'node:url';
import { runUp } from '#shell/supervisor';

const [dataDirectory = '', port = '', ...overrides] = process.argv.slice(2);
const entry = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
process.exitCode = await runUp({
  dataDirectory,
  configFile: null,
  overrides,
  listen: { plain: { host: '127.0.0.1', port: Number(port) }, tls: null, operations: null, pdp: null, pdpTls: null },
  urls: ({ plain }) => ({ domain: 'localhost', appsDomain: 'localhost', scheme: 'http', port: plain }),
  tls: { minVersion: 'TLSv1.3', certificate: null, acme: false, connectionsPerAddress: 1_000 },
  journalSync: 'interval',
  journalRetentionMs: 24 * 3_600_000,
  entries: { control: entry('control'), gateway: entry('gateway') },
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  stop: stop.signal,
});
