import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeCertificate } from './test-certificate.ts';
import { listen, startGateway } from './test-gateway.ts';

test('redirects are passed on, never followed', async (t) => {
  const gateway = await startGateway(t, {
    upstream: (_request, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
  });
  const answer = await gateway.ask({});
  assert.equal(answer.status, 302);
});

test('an app behind a Unix socket is reached', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-gateway-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'app.sock');
  const app = createServer((_request, response) => response.end('by socket'));
  app.listen(path);
  await once(app, 'listening');
  t.after(() => app.close());
  const gateway = await startGateway(t, { upstreamUrl: `unix:${path}` });
  assert.equal((await gateway.ask({})).body, 'by socket');
});

test('an app with a certificate nobody vouches for, or for another name, is not talked to', async (t) => {
  const certificate = await makeCertificate(['other.test']);
  let seen = 0;
  const app = createSecureServer({ ...certificate, allowHTTP1: true }, (_request, response) => {
    seen++;
    response.end();
  });
  const port = await listen(t, app);
  for (const ca of [undefined, certificate.cert]) {
    const gateway = await startGateway(t, {
      upstreamUrl: `https://127.0.0.1:${port}`,
      ...(ca === undefined ? {} : { upstreamCa: ca }),
    });
    assert.equal((await gateway.ask({})).status, 502);
  }
  assert.equal(seen, 0);
});

test('private, metadata and own addresses are refused at connect time', async (t) => {
  let seen = 0;
  const app = createServer((_request, response) => {
    seen++;
    response.end();
  });
  const port = await listen(t, app);
  for (const options of [
    { upstreamUrl: `http://127.0.0.1:${port}`, allowPrivate: false },
    { upstreamUrl: `http://localhost:${port}`, allowPrivate: false },
    { upstreamUrl: `http://[::ffff:127.0.0.1]:${port}`, allowPrivate: false },
    { upstreamUrl: 'http://169.254.169.254' },
    { upstreamUrl: `http://0.0.0.0:${port}` },
    // Other spellings of 127.0.0.1 and of the metadata service, which URL parsers turn into the address.
    { upstreamUrl: `http://2130706433:${port}`, allowPrivate: false },
    { upstreamUrl: `http://0x7f.1:${port}`, allowPrivate: false },
    { upstreamUrl: `http://127.1:${port}`, ownListeners: () => [{ host: '127.0.0.1', port }] },
    { upstreamUrl: 'http://2852039166' },
    { upstreamUrl: 'http://0251.0376.0251.0376' },
    { upstreamUrl: `http://127.0.0.1:${port}`, ownListeners: () => [{ host: '127.0.0.1', port }] },
    { upstreamUrl: `http://localhost:${port}`, ownListeners: () => [{ host: '0.0.0.0', port }] },
  ]) {
    const gateway = await startGateway(t, options);
    assert.equal((await gateway.ask({})).status, 502, JSON.stringify(options));
    assert.equal(gateway.outcomes[0]?.refusal?.code, 'upstream-forbidden', JSON.stringify(options));
  }
  assert.equal(seen, 0);
});
