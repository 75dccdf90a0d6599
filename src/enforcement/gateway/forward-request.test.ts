import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startGateway } from './test-gateway.ts';

test('forwardRequest() sends what was asked and streams the answer back', async (t) => {
  const gateway = await startGateway(t, {
    upstream: (request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        response.setHeader('x-app', 'yes');
        response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers, body }));
      });
    },
  });
  const answer = await gateway.ask({
    method: 'POST',
    path: '/a/b?x=1',
    body: 'hello',
    headers: { cookie: 'a=1; __Host-nullius=secret; b=2' },
  });
  const seen = JSON.parse(answer.body);
  assert.equal(answer.status, 200);
  assert.equal(seen.url, '/a/b?x=1');
  assert.equal(seen.body, 'hello');
  assert.equal(seen.headers.cookie, 'a=1; b=2');
  assert.equal(seen.headers['x-forwarded-for'], '127.0.0.1');
  assert.equal(gateway.outcomes[0]?.ended, 'complete');
});
