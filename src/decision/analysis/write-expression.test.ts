import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import type { Expression } from './expression.ts';
import { writeExpression } from './index.ts';

function parse(condition: string): Expression {
  const answer = cedar.policyToJson(`permit(principal, action, resource) when { ${condition} };`);
  assert.ok(answer.type === 'success', `${condition}: ${JSON.stringify(answer)}`);
  return answer.json.conditions[0]?.body as unknown as Expression;
}

const written: readonly string[] = [
  'true',
  'context.a && !(context.b || context["c d"]) && (context.e && context.f)',
  '(context.a || context.b) && context.c || context.d',
  'if context.a then context.b else (if context.c then false else true)',
  '(if context.a then 1 else 2) < 3 - (4 - 5) * -(6) + -7',
  '!(!context.a) && !(context.a == 1)',
  '-(-context.n) * (1 + 2) == (3 * 4) * 5',
  '(context.a == context.b) == (1 < 2)',
  'principal in [Group::"a", N::Group::"b\\"c"] && principal is N::User in Group::"g" && resource is App',
  'context has a.b.c && principal has "x y" && principal["x y"].z == {a: 1, "b c": [true, "t"]}',
  'context.s like "a*\\*b\\"\\u{1f600}\\n\\u{7}" && context.s == "\\0\\t\\\\ \\u{8}\\u{c}"',
  'context.l.containsAll([1, 2]) && context.l.containsAny(context.m) && context.l.contains(-3) && context.l.isEmpty()',
  'principal.hasTag("t") && principal.getTag(context.t) == 9007199254740991 && context.n > -9007199254740991',
  'ip("10.0.0.0/8").isInRange(ip(context.a)) && decimal("1.5").lessThan(context.d) && context.now.offset(duration("1h")).toDate() < datetime("2026-01-01")',
  '[context.a && context.b, {r: context.c}.r].contains(true)',
];

test('writeExpression() gives text that parses to the same expression, with no parentheses where none are needed', () => {
  for (const condition of written) {
    const parsed = parse(condition);
    assert.deepEqual(parse(writeExpression(parsed)), parsed, writeExpression(parsed));
  }
  const lean = '(context.a || context.b) && !context.c && context.n + 1 < 2 * (3 - 4)';
  assert.equal(writeExpression(parse(lean)), lean);
});
