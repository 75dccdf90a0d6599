import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision, EntityUid } from '#foundation/model';
import {
  type CorpusCase,
  cedarDataAbsent,
  generatedCases,
  handwrittenCases,
  isCedarDataPresent,
} from '../../../tests/vectors/cedar-corpus.ts';
import { parseEntities } from './decide-texts.ts';
import { compilePolicies, type LosslessJson, parseLosslessJson } from './index.ts';

interface Expected {
  readonly principal: EntityUid;
  readonly action: EntityUid;
  readonly resource: EntityUid;
  readonly context: { readonly [name: string]: LosslessJson };
  readonly decision: 'allow' | 'deny';
  readonly reason: readonly string[];
  readonly errors: readonly string[];
}

const brief = ({ decision, reasons, errors }: Decision) => ({ decision, reasons, errors: errors.map(({ id }) => id) });

/** Judges every request of a published test; gives the number of requests. */
function agree(published: CorpusCase): number {
  const source = (text: string) => ({ file: published.name, text });
  const compiled = compilePolicies({
    policies: [source(published.policies)],
    schema: published.schema,
    naming: 'position',
  });
  const entities = parseEntities(source(published.entities));
  const { requests } = parseLosslessJson(published.test) as unknown as { requests: Expected[] };
  for (const { principal, action, resource, context, ...expected } of requests) {
    assert.deepEqual(
      brief(compiled.decide({ principal, action, resource, context, entities })),
      { decision: expected.decision, reasons: [...expected.reason].sort(), errors: [...expected.errors].sort() },
      published.name,
    );
  }
  return requests.length;
}

describe("Cedar's published tests", { skip: isCedarDataPresent ? false : cedarDataAbsent }, () => {
  test('the hand-written ones agree', () => {
    assert.ok(handwrittenCases().map(agree).length >= 20);
  });

  test('the generated corpus agrees in decision, reasons and errors', () => {
    const count = generatedCases()
      .map(agree)
      .reduce((sum, requests) => sum + requests, 0);
    assert.equal(count, 31_656);
  });
});
