// What reading a request and cleaning its headers cost. Run: node src/enforcement/gateway/read-request.bench.ts
import { readRequest } from './read-request.ts';
import { isRefusal } from './refusal.ts';
import { requestHeadersFor } from './request-headers.ts';
import { responseHeadersFor } from './response-headers.ts';

const browser = [
  ['Host', 'wiki.example.test'],
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  ],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['Accept-Language', 'en-GB,en;q=0.9'],
  ['Accept-Encoding', 'gzip, deflate, br, zstd'],
  ['Connection', 'keep-alive'],
  ['Cookie', 'theme=dark; __Host-nullius_app=0123456789abcdefghijklmnopqrstuvwxyzABCDEFG; sid=abcdef'],
  ['Sec-Fetch-Dest', 'document'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Site', 'same-origin'],
  ['Upgrade-Insecure-Requests', '1'],
  ['Priority', 'u=0, i'],
].flat();
const program = ['Host', 'wiki.example.test', 'Authorization', 'Bearer x', 'Accept', '*/*'];
const answer = [
  'Content-Type',
  'text/html',
  'Content-Length',
  '1024',
  'Date',
  'now',
  'ETag',
  '"x"',
  'Set-Cookie',
  'sid=1; Path=/; HttpOnly',
  'Connection',
  'keep-alive',
];
const connection = { address: '192.0.2.7', tls: false, servername: null };
const own = ['nullius-assertion', 'x'.repeat(500), 'nullius-decision', 'abcdefghijklmnopqrstuv'];

function readAndClean(rawHeaders: string[], target: string): number {
  const request = readRequest(
    {
      httpVersion: '1.1',
      method: 'GET',
      target,
      authority: null,
      scheme: null,
      protocol: null,
      rawHeaders,
      endsStream: false,
    },
    connection,
  );
  if (isRefusal(request)) throw new Error(request.words);
  return requestHeadersFor(request, { own, keepAuthorization: true, host: '10.0.0.5:3000' }).length;
}

const cases: Record<string, () => number> = {
  'browser request, plain path': () => readAndClean(browser, '/spaces/team/pages/12345?view=full'),
  'browser request, encoded path': () => readAndClean(browser, '/spaces/caf%C3%A9/pages/a%20b?view=full'),
  'program request': () => readAndClean(program, '/api/v1/items'),
  'answer headers': () =>
    responseHeadersFor(answer, { strictTransportSecurity: 'max-age=31536000', ownService: false }).length,
};
const rounds = 200_000;
for (const [name, run] of Object.entries(cases)) {
  for (let count = 0; count < rounds / 4; count++) run();
  const samples = [1, 2, 3, 4, 5].map(() => {
    // Processor time: the machine may be busy with something else.
    const before = process.cpuUsage();
    for (let count = 0; count < rounds; count++) run();
    const used = process.cpuUsage(before);
    return (used.user + used.system) / rounds;
  });
  console.log(`${name.padEnd(32)} ${samples.sort((a, b) => a - b)[2]?.toFixed(2)} µs (median of 5 × ${rounds})`);
}
