import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchRoute } from './match-route.ts';
import { readPath } from './read-path.ts';
import { isRefusal } from './refusal.ts';

const segmentsOf = (target: string) => {
  const parsed = readPath(target);
  assert.ok(!isRefusal(parsed), `${target} was refused`);
  return parsed.segments;
};

test('readPath() decodes each segment by itself and keeps the target as it came', () => {
  assert.deepEqual(segmentsOf('/'), ['']);
  assert.deepEqual(segmentsOf('/a'), ['a']);
  assert.deepEqual(segmentsOf('/a/b/'), ['a', 'b', '']);
  assert.deepEqual(segmentsOf('/caf%C3%A9/%E2%82%AC'), ['café', '€']);
  assert.deepEqual(segmentsOf('/100%25'), ['100%']);
  assert.deepEqual(segmentsOf('/%3Bx'), [';x']);
  assert.deepEqual(segmentsOf('/a%20b?x=%2e%2e/..;//\\'), ['a b']);
  assert.deepEqual(segmentsOf('/.well-known/a..b/...c'), ['.well-known', 'a..b', '...c']);
  const parsed = readPath('/a%2fb/c?q=1?2');
  assert.ok(!isRefusal(parsed));
  assert.deepEqual(
    { ...parsed },
    { target: '/a%2fb/c?q=1?2', segments: ['a/b', 'c'], path: '/a%2Fb/c', query: '?q=1?2', hasEncodedSlash: true },
  );
});

const refused = [
  '',
  '*',
  'a',
  'http://x/',
  '//',
  '//evil/',
  '/a//b',
  '/a//',
  '/.',
  '/..',
  '/a/./b',
  '/a/../b',
  '/a/..',
  '/..?x',
  '/%2e',
  '/%2E%2e/',
  '/.%2e/',
  '/a%2e',
  '/a\\b',
  '/a%5cb',
  '/a%5Cb',
  '/a;b',
  '/a;jsessionid=1/b',
  '/..;/',
  '/a#b',
  '/a?b#c',
  '/a b',
  '/a\tb',
  '/a\0b',
  '/a\r\nb',
  '/a%00',
  '/a%0d%0aX:y',
  '/a%7f',
  '/a%1f',
  '/%252e%252e/',
  '/%25%32%65',
  '/%2525%32%65',
  '/a%252fb',
  '/%',
  '/%2',
  '/%zz',
  '/%2',
  '/a%u002e',
  '/%c0%ae%c0%ae/',
  '/%c0%af',
  '/%e0%80%af',
  '/%ff',
  '/%ed%a0%80',
  '/%f8%80%80%80',
  '/é',
  '/\u2215',
  '/\uff0e\uff0e/',
  '/a%c2%85',
  '/a%e2%80%a8',
  '/..%20/',
  '/a%2f',
  '/%2fa',
  '/a%2f%2fb',
  '/a%2f..%2fb',
  '/%2f',
  '/"',
  '/<x>',
  '/`',
  '/a?b\tc',
  '/a?b c',
  '/a?\r\n',
  '/a?é',
  `/${'a'.repeat(9000)}`,
  `/${'a/'.repeat(200)}`,
];
test('readPath() refuses whatever two parsers could read apart', () => {
  for (const target of refused) assert.ok(isRefusal(readPath(target)), `${JSON.stringify(target)} was accepted`);
});

/** Obvious and slow: what a target means, by the URL Standard and RFC 3986, for targets that readPath accepts. */
function slowSegments(target: string): string[] {
  return (
    target
      .split('?')[0]
      ?.slice(1)
      .split('/')
      .map((segment) => decodeURIComponent(segment)) ?? []
  );
}

const targetPiece = fc.oneof(
  fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '%25',
    '%',
    ';',
    '\\',
    '?',
    '#',
    ' ',
    '\0',
    '%00',
    '%c3%a9',
    '%ff',
    '2e',
    '//',
    'a',
    'b%20c',
    '\u00e9',
    '\r\n',
  ),
  fc.string({ maxLength: 3, unit: 'binary' }),
);
const anyTarget = fc.array(targetPiece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

test('what readPath() accepts has one reading: its own, the URL parser’s and the decoder’s agree, and parsing again changes nothing', () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyTarget, (target) => {
      const parsed = readPath(target);
      if (isRefusal(parsed)) return;
      accepted++;
      assert.equal(parsed.target, target);
      assert.deepEqual(readPath(parsed.target), parsed);
      assert.deepEqual([...parsed.segments], slowSegments(target));
      const url = new URL(`http://host${parsed.target}`);
      assert.deepEqual(slowSegments(url.pathname), [...parsed.segments], 'URL normalisation would change the path');
      for (const segment of parsed.segments) {
        assert.ok(segment !== '.' && segment !== '..' && !segment.includes('\\') && !/\p{Cc}/u.test(segment));
      }
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted > 500, `only ${accepted} targets were accepted: the property says little`);
});

test('readPath() never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (target) => void readPath(target)),
    { numRuns: 20_000 },
  );
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), (target) => void readPath(`/${target}`)),
    { numRuns: 5_000 },
  );
});

const label = (target: string, routes: { path: string; label: string; encodedSlash?: boolean }[]) => {
  const parsed = readPath(target);
  if (isRefusal(parsed)) return 'refused by readPath';
  const match = matchRoute(
    parsed,
    routes.map((route) => ({ encodedSlash: false, ...route })),
  );
  return isRefusal(match) ? 'refused' : match.label;
};

test('matchRoute() gives the first route over whole decoded segments', () => {
  const routes = [
    { path: '/admin/**', label: 'admin' },
    { path: '/api/*/items', label: 'items' },
    { path: '/', label: 'home' },
  ];
  assert.equal(label('/admin', routes), 'admin');
  assert.equal(label('/admin/', routes), 'admin');
  assert.equal(label('/%61dmin/x', routes), 'admin');
  assert.equal(label('/administrator', routes), 'default');
  assert.equal(label('/api/1/items', routes), 'items');
  assert.equal(label('/api/1/items/', routes), 'items');
  assert.equal(label('/api/1/2/items', routes), 'default');
  assert.equal(label('/api/items', routes), 'default');
  assert.equal(label('/', routes), 'home');
  assert.equal(label('/a%2fb', routes), 'refused');
});

test('matchRoute() takes encoded slashes only on routes that say so, and never as a way around another route', () => {
  const routes = [
    { path: '/admin/**', label: 'admin' },
    { path: '/*', label: 'package', encodedSlash: true },
    { path: '/projects/**', label: 'project', encodedSlash: true },
  ];
  assert.equal(label('/@scope%2fname', routes), 'package');
  assert.equal(label('/projects/group%2Fproject/merge_requests', routes), 'project');
  assert.equal(label('/other/a%2fb', routes), 'refused');
  assert.equal(label('/admin%2fusers', routes), 'refused');
  assert.equal(label('/admin/a%2fb', routes), 'refused');
});
