import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonPath } from '#decision/engine';
import { publishedSet } from '../../../../tests/published-set.ts';
import { applicationOf } from '../expression.ts';
import { sourcePlaces } from './source-spans.ts';

const text = `// A comment with "quotes" and when { }.
@id("a") @description("when { not } here \\" ) (")
permit (principal is User in Group::"x)", action in [Action::"read"], resource)
when {
  !context.tls && (context.session.authAgeSeconds + -1 < 5 || -context.session.authAgeSeconds > -9) // why { not
  && context has session.present && principal.name like "a*b\\*" && [1, 2].contains(3)
  && {a: 1, "b c": 2}.a == 1 && context["tls"] && context.address.isInRange(ip("10.0.0.0/8"))
  && principal is User in Group::"z" && context.token.scopes.containsAny(["x"]) && !!context.tls
  && (if context.tls then true else false) && context.grants.isEmpty() && -(1) < 2
  && context.now.toDate() > datetime("2020-01-01") && 1+2*3-4 < 5
}
unless { context.tls };`;

/** Every path of an expression and of all its parts. */
function* paths(expression: object, path: JsonPath): Generator<{ path: JsonPath; operator: string }> {
  const { operator, arguments: parts } = applicationOf(expression as never);
  yield { path, operator };
  for (const part of parts) yield* paths(part.expression, [...path, operator, part.step]);
}

test('sourcePlaces() finds every part of every condition in the text, with line and column', () => {
  const policy = publishedSet(text).set.policies.get('a');
  assert.ok(policy);
  const place = sourcePlaces(policy);
  const lines = text.split('\n');
  let count = 0;
  for (const [index, { body }] of policy.json.conditions.entries()) {
    for (const { path, operator } of paths(body as object, ['conditions', index, 'body'])) {
      const found = place(path, operator);
      assert.ok(found, path.join(' '));
      const first = found.text.split('\n')[0] ?? '';
      assert.equal(lines[found.line - 1]?.slice(found.column - 1, found.column - 1 + first.length), first);
      count += 1;
    }
  }
  assert.ok(count > 60, String(count));
});

test('sourcePlaces() gives the very text of a part', () => {
  const policy = publishedSet(text).set.policies.get('a');
  assert.ok(policy);
  assert.deepEqual(sourcePlaces(policy)(['conditions', 1, 'body'], '.'), {
    file: 'a.cedar',
    line: policy.line + text.slice(text.indexOf('@id')).split('\n').length - 1,
    column: 10,
    text: 'context.tls',
  });
});

test('sourcePlaces() begins what begins with a parenthesis at the parenthesis', () => {
  const written = '((context.session.authAgeSeconds + 1)) * 3 > 10';
  const text = `@id("a") permit(principal is User, action, resource) when { ${written} && (context.tls || context.tls) };`;
  const policy = publishedSet(text).set.policies.get('a');
  assert.ok(policy);
  const place = sourcePlaces(policy);
  const left: JsonPath = ['conditions', 0, 'body', '&&', 'left'];
  assert.deepEqual([place(left, '>')?.text, place(left, '>')?.column], [written, text.indexOf(written) + 1]);
  assert.equal(place([...left, '>', 'left'], '*')?.text, '((context.session.authAgeSeconds + 1)) * 3');
  assert.equal(place([...left, '>', 'left', '*', 'left'], '+')?.text, 'context.session.authAgeSeconds + 1');
  assert.equal(place(['conditions', 0, 'body', '&&', 'right'], '||')?.text, 'context.tls || context.tls');
});

test('sourcePlaces() says nothing rather than something wrong where path and text do not agree', () => {
  const place = sourcePlaces({ file: 'a', line: 1, text: 'permit(principal, action, resource) when { context.tls };' });
  assert.equal(place(['conditions', 0, 'body'], '=='), undefined);
  assert.equal(place(['conditions', 1, 'body'], '.'), undefined);
  assert.equal(place(['conditions', 0, 'body', '&&', 'left'], '.'), undefined);
  assert.equal(place(['principal'], '=='), undefined);
  const broken = sourcePlaces({ file: 'a', line: 1, text: 'permit(principal when { \u0000 "' });
  assert.equal(broken(['conditions', 0, 'body'], '.'), undefined);
});
