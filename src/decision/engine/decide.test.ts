import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Decision } from '#foundation/model';
import { decisionRequest, fuzzSchema, policyText, spoil } from './decide.fuzz.ts';
import { type CompiledPolicies, compilePolicies, type DecisionRequest, EngineError } from './index.ts';

/** Random comparisons in an ordinary run; `NULLIUS_FUZZ_RUNS` asks for more. */
const numRuns = Number(process.env['NULLIUS_FUZZ_RUNS'] ?? 60);

function pair(texts: readonly string[]): [CompiledPolicies, CompiledPolicies] {
  const input = {
    policies: [{ file: 'a.cedar', text: texts.join('\n') }],
    schema: fuzzSchema,
    naming: 'position' as const,
  };
  return [compilePolicies(input), compilePolicies({ ...input, evaluator: 'wasm' })];
}

function answer(compiled: CompiledPolicies, request: DecisionRequest): object {
  try {
    const { decision, reasons, errors }: Decision = compiled.decide(request);
    return { decision, reasons, errors: errors.map(({ id }) => id) };
  } catch (error) {
    if (error instanceof EngineError) return { refused: true };
    throw error;
  }
}

describe('compiled policies and the evaluator of Cedar’s authors', () => {
  test('agree on random policies, entities and requests', () => {
    fc.assert(
      fc.property(
        fc.array(policyText, { minLength: 1, maxLength: 8 }),
        fc.array(decisionRequest, { minLength: 4, maxLength: 4 }),
        (texts, requests) => {
          const [compiled, wasm] = pair(texts);
          for (const request of requests) assert.deepEqual(answer(compiled, request), answer(wasm, request));
        },
      ),
      { numRuns },
    );
  });

  test('refuse the same requests and entities', () => {
    const [compiled, wasm] = pair(['permit(principal, action, resource);']);
    fc.assert(
      fc.property(decisionRequest, spoil, (request, spoilt) => {
        assert.deepEqual(answer(wasm, spoilt(request)), { refused: true });
        assert.deepEqual(answer(compiled, spoilt(request)), { refused: true });
      }),
      { numRuns },
    );
  });
});

const person = { type: 'U', id: 'a' };
const ask = (changes: Partial<DecisionRequest> = {}): DecisionRequest => ({
  principal: person,
  action: { type: 'Action', id: 'go' },
  resource: { type: 'R', id: 'a' },
  context: {
    n: 1,
    t: { __extn: { fn: 'datetime', arg: '2024-01-01' } },
    us: [],
    e: { __entity: { type: 'E', id: 'x' } },
  },
  entities: [],
  ...changes,
});

describe('decide()', () => {
  test('refuses entities whose hierarchy runs in a circle, once a policy asks about it', () => {
    const circle = [
      { uid: { type: 'G', id: 'a' }, attrs: {}, parents: [{ type: 'G', id: 'b' }] },
      { uid: { type: 'G', id: 'b' }, attrs: {}, parents: [{ type: 'G', id: 'a' }] },
    ];
    const [compiled] = pair(['permit(principal, action, resource) when { G::"a" in G::"c" };']);
    assert.deepEqual(answer(compiled, ask({ entities: circle })), { refused: true });
  });

  test('refuses text that is not Unicode, in which two ids could look alike', () => {
    const [compiled] = pair(['permit(principal, action, resource);']);
    assert.deepEqual(answer(compiled, ask({ principal: { type: 'U', id: 'a\ud800' } })), { refused: true });
    assert.deepEqual(answer(compiled, ask({ context: { ...ask().context, s: '\udc00' } })), { refused: true });
  });

  test('names from JavaScript’s own objects are only names', () => {
    const [compiled, wasm] = pair([
      'permit(principal == U::"__proto__", action, resource);',
      'permit(principal, action, resource) when { principal has constructor || context has toString };',
      'forbid(principal, action, resource) when { {"__proto__": 1} has "__proto__" && {"__proto__": 1}["__proto__"] == 2 };',
    ]);
    for (const id of ['__proto__', 'constructor', 'a']) {
      const request = ask({ principal: { type: 'U', id } });
      assert.deepEqual(answer(compiled, request), answer(wasm, request), id);
    }
    const polluted = ask({ context: JSON.parse('{"__proto__": {"n": 1}, "n": 1}') });
    assert.deepEqual(answer(compiled, polluted), { refused: true });
  });

  test('answers stay the same when names of entities have been forgotten', () => {
    const [compiled] = pair(['permit(principal == U::"a", action, resource);']);
    for (let i = 0; i < 210_000; i += 1) compiled.decide(ask({ principal: { type: 'U', id: `stranger-${i}` } }));
    assert.deepEqual(answer(compiled, ask()), { decision: 'allow', reasons: ['policy0'], errors: [] });
  });
});
