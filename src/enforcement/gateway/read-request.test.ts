import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { forwardedFields } from './forwarded-fields.ts';
import { withKept } from './http1/kept-fields.ts';
import { cookieCrumbsMax, headerCountMax } from './limits.ts';
import { readAuthority } from './read-authority.ts';
import { type ConnectionFacts, type RequestHead, readRequest } from './read-request.ts';
import { isRefusal } from './refusal.ts';
import { requestHeadersFor, withoutOwnCookies } from './request-headers.ts';

const plain: ConnectionFacts = { address: '192.0.2.7', tls: false, servername: null };

const head = (parts: Partial<RequestHead>): RequestHead => ({
  httpVersion: '1.1',
  method: 'GET',
  target: '/',
  authority: null,
  scheme: null,
  protocol: null,
  rawHeaders: ['Host', 'app.example.test'],
  endsStream: false,
  ...parts,
});

const statusOf = (parts: Partial<RequestHead>, connection = plain) => {
  const request = readRequest(head(parts), connection);
  return isRefusal(request) ? request.status : 0;
};

test('readAuthority() reads names, addresses and ports in one spelling only', () => {
  assert.deepEqual(readAuthority('App.Example.TEST:8080'), { host: 'app.example.test', port: 8080 });
  assert.deepEqual(readAuthority('127.0.0.1'), { host: '127.0.0.1', port: null });
  assert.deepEqual(readAuthority('[::1]:443'), { host: '[::1]', port: 443 });
  for (const text of [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a.:80',
    '-a',
    'a-',
    'a-.b',
    'a.-b',
    'user@a',
    'a:b@c',
    'a:',
    'a:0',
    'a:080',
    'a:65536',
    'a:1e3',
    'a:+1',
    'a: 1',
    'a:80:80',
    'a b',
    ' a',
    'a ',
    'a/b',
    'a\\b',
    'a?b',
    'a#b',
    'a%2e',
    'a_b',
    'a,b',
    'ä',
    'a\0',
    'a\r\n',
    '[::1',
    '[::1]x',
    '[::1%25lo]',
    '[fe80::1%eth0]',
    '[127.0.0.1]',
    '::1',
    `${'a'.repeat(64)}.b`,
    `${'a.'.repeat(130)}b`,
  ]) {
    assert.equal(readAuthority(text), undefined, `${JSON.stringify(text)} was accepted`);
  }
});

test('readAuthority() gives what the URL parser gives', () => {
  const piece = fc.constantFrom(
    'a',
    'B',
    '.',
    '-',
    ':',
    '80',
    '0',
    '[',
    ']',
    '::1',
    '@',
    '%',
    '_',
    ' ',
    '127.0.0.1',
    'é',
    '\\',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const text = pieces.join('');
      const named = readAuthority(text);
      // The URL parser reads all-numeric names as addresses (`http://1` is 0.0.0.1); such hosts name no resource.
      if (named === undefined || /(?:^|\.)\d+$/.test(named.host)) return;
      const url = new URL(`https://${text}/`);
      assert.equal(url.hostname, named.host);
      assert.equal(url.port, named.port === null || named.port === 443 ? '' : `${named.port}`);
    }),
    { numRuns: 10_000 },
  );
});

test('readAuthority() gives one spelling for one IPv6 address', () => {
  assert.equal(readAuthority('[0::]')?.host, '[::]');
  assert.equal(readAuthority('[2001:DB8:0:0::1]:8443')?.host, '[2001:db8::1]');
});

test('readRequest() refuses conflicting, repeated and missing hosts', () => {
  assert.equal(statusOf({}), 0);
  assert.equal(statusOf({ rawHeaders: [] }), 400);
  assert.equal(statusOf({ rawHeaders: ['Host', 'a', 'host', 'a'] }), 400);
  assert.equal(statusOf({ rawHeaders: ['Host', 'a, b'] }), 400);
  assert.equal(statusOf({ target: 'http://app.example.test/x' }), 0);
  assert.equal(statusOf({ target: 'http://other.example.test/x' }), 400);
  assert.equal(statusOf({ target: 'http://app.example.test:81/x' }), 400);
  assert.equal(statusOf({ target: 'http://x@app.example.test/x' }), 400);
  assert.equal(statusOf({ target: 'ftp://app.example.test/x' }), 400);
  assert.equal(statusOf({ target: 'http://app.example.test?x' }), 400);
  assert.equal(statusOf({ target: 'app.example.test:80' }), 400);
  assert.equal(statusOf({ target: '*', method: 'OPTIONS' }), 400);
  assert.equal(statusOf({ httpVersion: '2', authority: 'a', rawHeaders: ['host', 'b'] }), 400);
  assert.equal(statusOf({ httpVersion: '2', authority: 'a', rawHeaders: ['host', 'a'] }), 0);
  assert.equal(statusOf({ httpVersion: '2', authority: 'a', rawHeaders: ['host', 'a', 'host', 'b'] }), 400);
  assert.equal(statusOf({ httpVersion: '2', rawHeaders: ['host', 'a', 'host', 'a'] }), 400);
});

test('readRequest() forwards the path of an absolute target, not the target', () => {
  const request = readRequest(head({ target: 'http://APP.example.test/x?y' }), plain);
  assert.ok(!isRefusal(request));
  assert.equal(request.target, '/x?y');
});

test('readRequest() answers 421 when TLS server name and host differ or there is none', () => {
  const tls = (servername: string | null) => ({ address: '::1', tls: true, servername });
  assert.equal(statusOf({}, tls('app.example.test')), 0);
  assert.equal(statusOf({}, tls('APP.example.test')), 0);
  assert.equal(statusOf({}, tls('other.example.test')), 421);
  assert.equal(statusOf({}, tls(null)), 421);
});

test('readRequest() serves only methods whose effect it knows', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])
    assert.equal(statusOf({ method }), 0, method);
  for (const method of ['TRACE', 'CONNECT']) assert.equal(statusOf({ method }), 405, method);
  for (const method of ['get', 'PROPFIND', 'TRACK', 'DEBUG', '', 'G\0ET'])
    assert.equal(statusOf({ method }), 501, method);
  for (const name of [
    'X-HTTP-Method-Override',
    'x_http_method_override',
    'X-HTTP-Method',
    'X-Method-Override',
    'X-Original-URL',
    'X-Rewrite-Url',
  ]) {
    assert.equal(statusOf({ rawHeaders: ['Host', 'a', name, 'DELETE'] }), 400, name);
  }
});

test('readRequest() refuses framing that is repeated, contradicted or malformed', () => {
  const withHeaders = (...fields: string[]) => statusOf({ method: 'POST', rawHeaders: ['Host', 'a', ...fields] });
  assert.equal(withHeaders('Content-Length', '5'), 0);
  assert.equal(withHeaders('Transfer-Encoding', 'chunked'), 0);
  assert.equal(withHeaders('Content-Length', '5', 'Content-Length', '5'), 400);
  assert.equal(withHeaders('Content-Length', '5', 'Transfer-Encoding', 'chunked'), 400);
  assert.equal(withHeaders('Transfer-Encoding', 'chunked', 'Content-Length', '5'), 400);
  assert.equal(withHeaders('Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'), 400);
  for (const value of ['Chunked', 'gzip, chunked', 'chunked, identity', 'xchunked', ' chunked', ''])
    assert.equal(withHeaders('Transfer-Encoding', value), 400, value);
  for (const value of ['', '+5', '-1', '5,5', '0x5', '5 ', ' 5', '1e3', '9'.repeat(16)])
    assert.equal(withHeaders('Content-Length', value), 400, value);
  assert.equal(
    statusOf({ httpVersion: '1.0', method: 'POST', rawHeaders: ['Host', 'a', 'Transfer-Encoding', 'chunked'] }),
    400,
  );
  assert.equal(withHeaders('Expect', 'something'), 417);
});

test('readRequest() takes from HTTP/2 no field that is about an HTTP/1.1 connection, whatever a library lets through', () => {
  const fields = {
    connection: 'keep-alive',
    'transfer-encoding': 'chunked',
    upgrade: 'websocket',
    'keep-alive': 'timeout=5',
    'proxy-connection': 'keep-alive',
  };
  for (const [name, value] of Object.entries(fields)) {
    assert.equal(statusOf({ httpVersion: '2', authority: 'a', rawHeaders: [name, value] }), 400, name);
  }
  assert.equal(statusOf({ httpVersion: '2', authority: 'a', rawHeaders: ['te', 'gzip'] }), 400);
});

test('readRequest() takes no other protocol for a WebSocket, however much of its handshake comes along', () => {
  const shake = ['Host', 'a', 'Connection', 'Upgrade', 'Sec-WebSocket-Version', '13'];
  const upgrade = (name: string) => statusOf({ rawHeaders: [...shake, 'Upgrade', name] });
  assert.equal(upgrade('WebSocket'), 0);
  for (const name of ['h2c', 'h2c, websocket', 'websocket, h2c', 'TLS/1.0', 'websocket/13', ''])
    assert.equal(upgrade(name), 400, name);
});

test('readRequest() refuses more header fields than the bound', () => {
  const many = Array.from({ length: headerCountMax }, (_, index) => [`x-${index}`, 'v']).flat();
  assert.equal(statusOf({ rawHeaders: ['Host', 'a', ...many] }), 431);
});

test('readRequest() takes every cookie crumb that browsers keep for a domain, and no more', () => {
  const crumbs = (count: number) => Array.from({ length: count }, (_, index) => ['cookie', `f${index}=1`]).flat();
  const http2 = { httpVersion: '2' as const, authority: 'a', scheme: 'https' };
  assert.equal(statusOf({ ...http2, rawHeaders: ['x', 'y', ...crumbs(360)] }), 0);
  assert.equal(statusOf({ ...http2, rawHeaders: crumbs(cookieCrumbsMax + headerCountMax + 1) }), 431);
});

test('readRequest() refuses a Connection field that would strip what the app relies on', () => {
  for (const name of [
    'Nullius-Assertion',
    'nullius-decision',
    'cookie',
    'authorization',
    'host',
    'content-length',
    'X-Forwarded-For',
    'x-real-ip',
    'origin',
    'transfer-encoding',
  ]) {
    assert.equal(statusOf({ rawHeaders: ['Host', 'a', 'Connection', `close, ${name}`] }), 400, name);
  }
  assert.equal(statusOf({ rawHeaders: ['Host', 'a', 'Connection', 'keep-alive, x-private'] }), 0);
});

test('readRequest() refuses a Connection field that names headers without end', () => {
  const named = (count: number) => Array.from({ length: count }, (_, each) => `x-${each}`).join(',');
  assert.equal(statusOf({ rawHeaders: ['Host', 'a', 'Connection', named(32)] }), 0);
  assert.equal(statusOf({ rawHeaders: ['Host', 'a', 'Connection', named(33)] }), 400);
  assert.equal(statusOf({ rawHeaders: ['Host', 'a', 'Connection', named(20), 'Connection', named(20)] }), 400);
});

const forwarded = (rawHeaders: string[], cookie?: string) => {
  const request = readRequest(
    head({
      rawHeaders: ['Host', 'app.example.test', ...rawHeaders, ...(cookie === undefined ? [] : ['Cookie', cookie])],
    }),
    plain,
  );
  assert.ok(!isRefusal(request), JSON.stringify(request));
  const own = ['nullius-assertion', 'ours', 'nullius-decision', 'd1'];
  const headers = requestHeadersFor(request, { own, keepAuthorization: true, host: 'app.internal' });
  const flat = withKept(headers, [forwardedFields(plain, request)]);
  const map = new Map<string, string[]>();
  for (let at = 0; at < flat.length; at += 2)
    map.set(flat[at] ?? '', [...(map.get(flat[at] ?? '') ?? []), flat[at + 1] ?? '']);
  return map;
};

test('requestHeadersFor() gives our own services the cookies of sign-in and nothing that siblings toss', () => {
  const cookie = 'session=T; __Host-id_session=s; __host-id_session=T; __Host-nullius_app=a; \u00a0__Host-id_session=T';
  const request = readRequest(head({ rawHeaders: ['Host', 'id.example.test', 'Cookie', cookie] }), plain);
  assert.ok(!isRefusal(request));
  const flat = requestHeadersFor(request, { own: [], keepAuthorization: false, host: 'h', ownService: true });
  assert.equal(flat[flat.indexOf('cookie') + 1], '__Host-id_session=s');
});

test('requestHeadersFor() lets nobody else say what we say, in any spelling', () => {
  const spellings = [
    'Nullius-Assertion',
    'NULLIUS-ASSERTION',
    'nullius_assertion',
    'Nullius.Assertion',
    'nullius-Decision',
    'Nullius-Anything',
    'nullius',
    "nullius'assertion",
  ];
  const proxies = [
    'Forwarded',
    'X-Forwarded-For',
    'X_Forwarded_For',
    'x-forwarded-anything',
    'X-Real-IP',
    'x.real.ip',
    'True-Client-IP',
    'Via',
  ];
  const binding = ['Sec-Session-Response', 'Secure-Session-Response'];
  const hop = ['Keep-Alive', 'Proxy-Authorization', 'Proxy-Connection', 'Trailer', 'TE'];
  const lookalikes = ['Transfer_Encoding', 'Content_Length', 'sec_websocket_key', 'keep.alive'];
  const map = forwarded(
    [...spellings, ...proxies, ...binding, ...hop, ...lookalikes].flatMap((name) => [name, 'forged']),
  );
  assert.ok(![...map.values()].flat().includes('forged'), JSON.stringify([...map]));
  assert.deepEqual(map.get('nullius-assertion'), ['ours']);
  assert.deepEqual(map.get('x-forwarded-for'), ['192.0.2.7']);
  assert.deepEqual(map.get('host'), ['app.internal']);
  assert.deepEqual(map.get('forwarded'), ['for=192.0.2.7;host="app.example.test";proto=http']);
});

test('requestHeadersFor() drops what Connection nominates and keeps the rest in order', () => {
  const map = forwarded(['Connection', 'X-Private', 'X-Private', '1', 'X-Public', '2', 'X-Public', '3']);
  assert.equal(map.has('x-private'), false);
  assert.deepEqual(map.get('x-public'), ['2', '3']);
});

test('requestHeadersFor() keeps a credential for us from the app', () => {
  const request = readRequest(head({ rawHeaders: ['Host', 'a', 'Authorization', 'Bearer nls_x'] }), plain);
  assert.ok(!isRefusal(request));
  assert.ok(!requestHeadersFor(request, { own: [], keepAuthorization: false, host: 'a' }).includes('authorization'));
});

test('withoutOwnCookies() takes out our cookies in every spelling and leaves the others as they are', () => {
  assert.equal(withoutOwnCookies('a=1; b="x; y"'), 'a=1; b="x; y"');
  assert.equal(withoutOwnCookies('a=1;__Host-nullius_app=s;b=2; __host-Nullius_flow=t;  c'), 'a=1; b=2; c');
  assert.equal(withoutOwnCookies('__Host-nullius=s'), '');
  assert.equal(withoutOwnCookies('=__Host-nullius=s; "__Host-nullius=s'), '');
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a=1', '__Host-nullius_app=s', '__HOST-NULLIUS=x', ' ', '=', '"', 'b')),
      (pairs) => {
        const left = withoutOwnCookies(pairs.join(';'));
        assert.ok(!left.split(';').some((pair) => pair.trim().toLowerCase().startsWith('__host-nullius')), left);
      },
    ),
  );
});

test('readRequest() never throws, whatever the head says', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom(
      'host',
      'Connection',
      'upgrade',
      'websocket',
      'chunked',
      'te',
      'cookie',
      '/',
      'content-length',
      '5',
    ),
  );
  fc.assert(
    fc.property(
      fc.record({
        httpVersion: fc.constantFrom('1.0' as const, '1.1' as const, '2' as const),
        method: text,
        target: text,
        authority: fc.option(text),
        scheme: fc.option(text),
        protocol: fc.option(text),
        rawHeaders: fc.array(text, { maxLength: 10 }),
        endsStream: fc.boolean(),
      }),
      (any) => {
        const request = readRequest(any, plain);
        if (!isRefusal(request)) requestHeadersFor(request, { own: [], keepAuthorization: true, host: 'h' });
      },
    ),
    { numRuns: 20_000 },
  );
});
