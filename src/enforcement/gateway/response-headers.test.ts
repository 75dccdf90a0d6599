import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setCookieCountMax } from './limits.ts';
import { cleanSetCookie, responseHeadersFor } from './response-headers.ts';

const clean = (...raw: string[]) => responseHeadersFor(raw, { strictTransportSecurity: null, ownService: false });

test('responseHeadersFor() takes out what reaches beyond the app, in any case', () => {
  const names = [
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'Upgrade',
    'Trailer',
    'Proxy-Authenticate',
    'Alt-Svc',
    'Clear-Site-Data',
    'CLEAR-SITE-DATA',
    'Nullius-Decision',
    'nullius_assertion',
    'Sec-Session-Registration',
    'Secure-Session-Registration',
    'Secure-Session-Challenge',
    'Strict-Transport-Security',
    'Public-Key-Pins',
    'Set-Cookie2',
    'NEL',
    'Report-To',
  ];
  for (const name of names) assert.deepEqual(clean(name, 'x'), [], name);
  assert.deepEqual(clean('Content-Type', 'text/html', 'X-Frame-Options', 'DENY'), [
    'content-type',
    'text/html',
    'x-frame-options',
    'DENY',
  ]);
});

test('responseHeadersFor() sets our own Strict-Transport-Security', () => {
  const headers = responseHeadersFor(['strict-transport-security', 'max-age=0; includeSubDomains; preload'], {
    strictTransportSecurity: 'max-age=31536000',
    ownService: false,
  });
  assert.deepEqual(headers, ['strict-transport-security', 'max-age=31536000']);
});

test('an app cannot set our cookies, nor cookies beyond its own host', () => {
  for (const value of [
    '__Host-nullius_app=x; Secure; Path=/',
    '__host-NULLIUS_flow=x',
    ' __Host-nullius=x',
    '=__Host-nullius_app=x',
    '__Host-nullius',
    '=x',
    'x',
    '',
    '"__Host-nullius=x',
    '\t__Host-nullius=x',
  ]) {
    assert.equal(cleanSetCookie(value), undefined, value);
  }
  assert.equal(cleanSetCookie('sid=1; Path=/; HttpOnly'), 'sid=1; Path=/; HttpOnly');
  assert.equal(cleanSetCookie('sid=1; Domain=example.test; Path=/'), 'sid=1; Path=/');
  assert.equal(cleanSetCookie('sid=1; domain = .example.test'), 'sid=1');
  assert.equal(cleanSetCookie('sid=1; DOMAIN; Domain=a; domain=b; Secure'), 'sid=1; Secure');
  assert.equal(cleanSetCookie('sid=a domain=x; Path=/'), 'sid=a domain=x; Path=/');
  assert.deepEqual(
    clean(...Array.from({ length: 200 }, (_, index) => ['Set-Cookie', `c${index}=1`]).flat()).length,
    setCookieCountMax * 2,
  );
});

test('one of our own services keeps its cookies', () => {
  const headers = responseHeadersFor(['Set-Cookie', '__Host-nullius_id=x; Path=/; Secure'], {
    strictTransportSecurity: null,
    ownService: true,
  });
  assert.deepEqual(headers, ['set-cookie', '__Host-nullius_id=x; Path=/; Secure']);
});

test('Service-Worker-Allowed passes only when it stays clear of /.nullius/', () => {
  for (const scope of [
    '/',
    '/.',
    '/.nullius',
    '/.nullius/',
    '/.nullius/sign-in',
    '/.n',
    '',
    'https://app/',
    '//x',
    '/app/../',
    '/app/..',
    '/%2e',
    '/a?b',
    '../',
    '/app/%2e%2e/',
  ]) {
    assert.deepEqual(clean('Service-Worker-Allowed', scope), [], scope);
  }
  assert.deepEqual(clean('Service-Worker-Allowed', '/app/'), ['service-worker-allowed', '/app/']);
});
