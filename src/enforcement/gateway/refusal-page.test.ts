import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeHtml } from '#foundation/page';
import { isCrossOrigin, isNavigation, refuseServiceWorker } from './navigation.ts';
import { type GatewayRequest, readRequest } from './read-request.ts';
import { isRefusal } from './refusal.ts';
import { type RefusalView, refusalPage, refusalProblem } from './refusal-page.ts';
import { refusalAnswer, viewOfRefusal } from './send-answer.ts';

const view = (over: Partial<RefusalView> = {}): RefusalView => ({
  status: 403,
  title: 'You may not open this page',
  asked: { method: 'GET', host: 'wiki.example.test', path: '/admin' },
  who: 'Ada',
  reasons: ['Only administrators may open the admin pages.'],
  actions: [
    {
      kind: 'link',
      label: 'Sign in again',
      endpoint: '/.nullius/sign-in?return_to=%2Fadmin&fresh=1',
      words: 'Prove again who you are.',
    },
    {
      kind: 'form',
      label: 'Ask for access',
      endpoint: '/.nullius/request-access',
      words: 'Ask for access for a while.',
      fields: { return_to: '/admin' },
      reasonLabel: 'Why do you need it?',
    },
  ],
  correlationId: 'abc',
  ...over,
});

const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' autofocus onfocus=alert(1) x='",
  '</style><script>',
  '</title>',
  '{{x}}',
  '\u202egnp.exe',
  '&lt;',
  '`',
  '\0',
  'javascript:alert(1)',
];

test('refusalPage() shows what was asked, why not, what to do and the reference', () => {
  const { body, headers } = refusalPage(view());
  for (const text of [
    'GET wiki.example.test/admin',
    'Only administrators',
    'Signed in as',
    'Ada',
    'href="/.nullius/sign-in?return_to=%2Fadmin&amp;fresh=1"',
    '<form method="post" action="/.nullius/request-access">',
    'name="reason"',
    'abc',
  ]) {
    assert.ok(body.includes(text), text);
  }
  assert.equal(headers[headers.indexOf('content-length') + 1], `${Buffer.byteLength(body)}`);
  assert.match(
    headers[headers.indexOf('content-security-policy') + 1] ?? '',
    /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
  );
  assert.equal(headers[headers.indexOf('cache-control') + 1], 'no-store');
});

test('refusalPage() shows what stands in backticks as code, and what is no pair as it is', () => {
  const { body } = refusalPage(view({ reasons: ['No policy lets you open `<b>wiki`.', 'one ` alone'] }));
  assert.ok(
    body.includes('<li>No policy lets you open <code>&lt;b&gt;wiki</code>.</li><li>one &#96; alone</li>'),
    body,
  );
});

test('no text of a refusal becomes markup, wherever it stands', () => {
  const skeleton = (page: string) =>
    page
      .replaceAll(/>[^<]*</g, '><')
      .replaceAll(/"[^"]*"/g, '""')
      .replaceAll('<style><', '<style>')
      .replaceAll(/<code><\/code>(?=<\/?(?:li|p|code)>)/g, '');
  const filled = (text: string) =>
    view({
      title: text,
      asked: { method: text, host: text, path: text },
      who: text,
      reasons: [text, text],
      correlationId: text,
      actions: [
        { kind: 'link', label: text, endpoint: `/.nullius/${text}`, words: text },
        {
          kind: 'form',
          label: text,
          endpoint: `/.nullius/${text}`,
          words: text,
          fields: { [text]: text },
          reasonLabel: text,
        },
        { kind: 'words', words: text },
      ],
    });
  const expected = skeleton(refusalPage(filled('plain')).body);
  for (const text of hostile) assert.equal(skeleton(refusalPage(filled(text)).body), expected, text);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.equal(skeleton(refusalPage(filled(text)).body), expected),
    ),
    { numRuns: 300 },
  );
});

test('refusalPage() leaves out buttons that would lead anywhere but to our own endpoints', () => {
  for (const endpoint of ['javascript:alert(1)', 'https://evil.test/', '//evil.test', '/other', '']) {
    const { body } = refusalPage(view({ actions: [{ kind: 'link', label: 'Go', endpoint, words: 'Words stay.' }] }));
    assert.ok(body.includes('Words stay.') && !body.includes('<a '), endpoint);
  }
});

test('escapeHtml() leaves no character that could end text or attribute', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) =>
      assert.doesNotMatch(escapeHtml(text), /[<>"'`]|&(?!(?:amp|lt|gt|quot|#39|#96);)/),
    ),
  );
});

test('refusalProblem() is an RFC 9457 problem with the same content', () => {
  const answer = refusalProblem(view());
  const problem = JSON.parse(answer.body);
  assert.equal(problem.status, 403);
  assert.equal(problem.detail, 'Only administrators may open the admin pages.');
  assert.equal(problem.correlationId, 'abc');
  assert.equal(problem.remedies.length, 2);
  assert.ok(answer.headers.includes('application/problem+json'));
});

const request = (fields: Record<string, string>, parts: { target?: string; method?: string } = {}): GatewayRequest => {
  const read = readRequest(
    {
      httpVersion: '1.1',
      method: parts.method ?? 'GET',
      target: parts.target ?? '/',
      authority: null,
      scheme: null,
      protocol: null,
      endsStream: false,
      rawHeaders: ['host', 'a.test', ...Object.entries(fields).flat()],
    },
    { address: '::1', tls: false, servername: null },
  );
  assert.ok(!isRefusal(read));
  return read;
};

test('isNavigation() believes Fetch Metadata first and Accept only without it', () => {
  assert.equal(isNavigation(request({ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' })), true);
  assert.equal(
    isNavigation(request({ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe', accept: 'text/html' })),
    false,
  );
  assert.equal(isNavigation(request({ 'sec-fetch-mode': 'cors', accept: 'text/html' })), false);
  assert.equal(isNavigation(request({ accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })), true);
  assert.equal(isNavigation(request({ accept: '*/*' })), false);
  assert.equal(isNavigation(request({})), false);
  assert.equal(isNavigation(request({ accept: 'application/json, text/html' })), false);
  assert.equal(isNavigation(request({ accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' })), false);
  assert.equal(isNavigation(request({ accept: 'text/html' }, { method: 'DELETE' })), false);
});

test('refusalAnswer() gives programs a problem and people a page, and HEAD no body', () => {
  const refusal = viewOfRefusal(
    { refused: true, status: 502, code: 'upstream-broken', words: 'Broken.' },
    { request: null, correlationId: 'c' },
  );
  assert.ok(refusalAnswer(refusal, request({ accept: '*/*' })).headers.includes('application/problem+json'));
  assert.ok(refusalAnswer(refusal, request({ accept: 'text/html' })).body.startsWith('<!doctype html>'));
  assert.equal(refusalAnswer(refusal, request({ accept: 'text/html' }, { method: 'HEAD' })).body, '');
});

test('refusalAnswer() tells programs how to show a token (RFC 9110 15.5.2), and asks no browser for a password', () => {
  const challenges = (status: number, headers: Record<string, string>) =>
    refusalAnswer(view({ status }), request(headers)).headers.filter(
      (_, at, all) => all[at - 1] === 'www-authenticate',
    );
  const [bearer, basic] = ['Bearer realm="nullius"', 'Basic realm="nullius", charset="UTF-8"'];
  assert.deepEqual(challenges(401, { accept: '*/*' }), [bearer, basic]);
  assert.deepEqual(challenges(401, {}), [bearer, basic]);
  assert.deepEqual(challenges(401, { accept: '*/*', 'Sec-Fetch-Mode': 'cors' }), [bearer]);
  assert.deepEqual(challenges(401, { accept: 'text/html' }), [bearer]);
  assert.deepEqual(challenges(403, { accept: '*/*' }), []);
});

test('isCrossOrigin() sees pages of sibling hosts, other ports and other schemes', () => {
  assert.equal(isCrossOrigin(request({ origin: 'http://a.test' })), false);
  for (const origin of ['http://b.test', 'https://a.test', 'http://a.test:81', 'http://x.a.test', 'null', ''])
    assert.equal(isCrossOrigin(request({ origin })), true, origin);
  assert.equal(isCrossOrigin(request({ 'sec-fetch-site': 'same-site' })), true);
  assert.equal(isCrossOrigin(request({ 'sec-fetch-site': 'none' })), false);
  assert.equal(isCrossOrigin(request({})), false);
});

test('refuseServiceWorker() refuses scripts whose scope would cover /.nullius/', () => {
  for (const target of ['/', '/sw.js', '/sw.js?x', '/.nullius/sw.js'])
    assert.equal(refuseServiceWorker(request({ 'Service-Worker': 'script' }, { target }))?.status, 403, target);
  assert.equal(refuseServiceWorker(request({ 'service-worker': 'script' }, { target: '/app/sw.js' })), undefined);
  assert.equal(refuseServiceWorker(request({}, { target: '/sw.js' })), undefined);
});
