import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type CompiledPolicies,
  compilePolicySet,
  type LosslessJson,
  parseLosslessJson,
  readParsedForm,
  writeParsedForm,
} from '#decision/engine';
import { referenceDecide } from '#decision/engine/reference';
import type { Decision, EntityUid } from '#foundation/model';
import {
  type CorpusCase,
  cedarDataAbsent,
  generatedCases,
  handwrittenCases,
  isCedarDataPresent,
} from '../../../tests/vectors/cedar-corpus.ts';
import { parseEntities } from './decide-texts.ts';
import { compilePolicies } from './index.ts';
import { parsePolicies } from './parse-policies.ts';
import { resolveSchema } from './validate-policies.ts';

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

type Way = 'compiled' | 'shipped' | 'reference' | 'wasm';

/** The slow interpreter; templates that nobody linked match nothing. */
function refer({ policies: text, schema, name }: CorpusCase): Pick<CompiledPolicies, 'decide'> {
  const parsed = parsePolicies([{ file: name, text }]).map((policy, index) => [`policy${index}`, policy] as const);
  const policies = new Map(parsed.filter(([, { kind }]) => kind === 'static'));
  const schemaJson = resolveSchema(schema);
  return { decide: (request) => referenceDecide({ policies, schemaJson }, request) };
}

/** The way of a publication: parsed here, compiled there from what was shipped. */
function ship({ policies: text, schema, name }: CorpusCase): CompiledPolicies {
  const sources = [{ file: name, text }];
  // Published policies have ids and the corpus' have none, or others than the positions its answers speak of.
  const policies = parsePolicies(sources)
    .map((policy, index) => ({ ...policy, id: `policy${index}` }))
    .map(({ id, json, ...policy }) => [id, { ...policy, json: { ...json, annotations: { id } } }] as const);
  const form = writeParsedForm({ policies: new Map(policies), schemaJson: resolveSchema(schema) });
  return compilePolicySet(readParsedForm(form, { sources, schema }));
}

/** Judges every request of a published test; gives the number of requests. */
function agree(published: CorpusCase, way: Way): number {
  const source = (text: string) => ({ file: published.name, text });
  const compiled =
    way === 'shipped'
      ? ship(published)
      : way === 'reference'
        ? refer(published)
        : compilePolicies({
            policies: [source(published.policies)],
            schema: published.schema,
            naming: 'position',
            evaluator: way,
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

/** `NULLIUS_TEST_FULL=1` goes through all of it, a minute's work; every run takes a slice. */
const isFull = process.env['NULLIUS_TEST_FULL'] === '1';
const share = isFull ? 'all of it' : 'a slice; all with NULLIUS_TEST_FULL=1';

const requestsOf = (cases: readonly CorpusCase[], way: Way) =>
  cases.reduce((sum, published) => sum + agree(published, way), 0);

describe("Cedar's published tests", { skip: isCedarDataPresent ? false : cedarDataAbsent }, () => {
  test('the hand-written ones agree, compiled, interpreted and in WebAssembly', () => {
    const cases = handwrittenCases();
    assert.ok(cases.length >= 20);
    for (const way of ['compiled', 'shipped', 'reference', 'wasm'] as const) assert.ok(requestsOf(cases, way) >= 50);
  });

  test(`the generated corpus agrees in decision, reasons and errors, compiled (${share})`, () => {
    const slice = generatedCases().filter((_, index) => isFull || index % 6 === 0);
    assert.ok(requestsOf(slice, 'compiled') >= (isFull ? 31_656 : 5_000));
  });

  test(`and compiled from the form that is published (${share})`, () => {
    const slice = generatedCases().filter((_, index) => isFull || index % 6 === 3);
    assert.ok(requestsOf(slice, 'shipped') >= (isFull ? 31_656 : 5_000));
  });

  test(`and in the slow interpreter (${share})`, () => {
    const slice = generatedCases().filter((_, index) => isFull || index % 20 === 7);
    assert.ok(requestsOf(slice, 'reference') >= (isFull ? 31_656 : 1_500));
  });

  test(`and in WebAssembly, which answers \`nullius decide\` (${share})`, () => {
    const slice = generatedCases().filter((_, index) => isFull || index % 60 === 0);
    assert.ok(requestsOf(slice, 'wasm') >= (isFull ? 31_656 : 500));
  });
});
