import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardedFields } from './forwarded-fields.ts';
import type { ConnectionFacts } from './read-request.ts';

const asked = (host: string, port: number | null = null) => ({ host, port });
const plain: ConnectionFacts = { address: '192.0.2.7', tls: false, servername: null };
const secure: ConnectionFacts = { address: '2001:db8::1', tls: true, servername: 'a.test' };

test('each connection says its own address and scheme, and each request over it its own host', () => {
  for (let round = 0; round < 2; round++) {
    for (const [connection, request, forwarded, address] of [
      [plain, asked('a.test'), 'for=192.0.2.7;host="a.test";proto=http', '192.0.2.7'],
      [plain, asked('b.test'), 'for=192.0.2.7;host="b.test";proto=http', '192.0.2.7'],
      [plain, asked('b.test', 8080), 'for=192.0.2.7;host="b.test:8080";proto=http', '192.0.2.7'],
      [plain, asked('b.test', 8080), 'for=192.0.2.7;host="b.test:8080";proto=http', '192.0.2.7'],
      [secure, asked('b.test', 8080), 'for="[2001:db8::1]";host="b.test:8080";proto=https', '2001:db8::1'],
    ] as const) {
      const { pairs } = forwardedFields(connection, request);
      const fields = new Map<string, string>();
      for (let at = 0; at < pairs.length; at += 2) fields.set(pairs[at] ?? '', pairs[at + 1] ?? '');
      const authority = request.port === null ? request.host : `${request.host}:${request.port}`;
      assert.deepEqual(Object.fromEntries(fields), {
        'x-forwarded-for': address,
        'x-forwarded-host': authority,
        'x-forwarded-proto': connection.tls ? 'https' : 'http',
        'x-real-ip': address,
        forwarded,
      });
    }
  }
});
