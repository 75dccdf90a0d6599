import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compilePolicySet, EngineError, type PolicyJson, type TemplateLink, withRawIntegers } from '#decision/engine';
import { compilePolicies } from './index.ts';
import { parsePolicies } from './parse-policies.ts';
import { RandomCedar } from './random-cedar.fuzz.ts';
import { resolveSchema } from './validate-policies.ts';
import { cedar } from './wasm.ts';

const raw = (json: unknown) => withRawIntegers(json as never) as never;

test('links decide as Cedar’s own evaluator says, on random templates', () => {
  let decided = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const random = new RandomCedar(seed);
    const made = random.dice.times(3, () => random.template());
    const links = made.map(
      ({ values }, index): TemplateLink => ({ templateId: `t${index}`, newId: `l${index}`, values }),
    );
    const answers = [
      cedar.preparseSchema('links', random.schema as never),
      cedar.preparsePolicySet('links', {
        templates: Object.fromEntries(made.map(({ template }, index) => [`t${index}`, raw(template)])),
        templateLinks: links as never,
      }),
    ];
    assert.deepEqual(answers, [{ type: 'success' }, { type: 'success' }]);
    const located = ({ template }: { template: PolicyJson }) => ({ file: '', line: 1, text: '', json: template });
    const policies = new Map(made.map((each, index) => [`t${index}`, located(each)] as const));
    const ours = compilePolicySet({ policies, schema: '', schemaJson: random.schema }, { links });
    for (let index = 0; index < 15; index += 1) {
      const request = { ...random.request(), entities: random.entities() };
      const answer = cedar.statefulIsAuthorized({
        ...(raw(request) as object),
        preparsedPolicySetId: 'links',
        preparsedSchemaName: 'links',
      } as never);
      assert.ok(answer.type === 'success');
      const { decision, diagnostics } = answer.response;
      const given = ours.decide(request);
      assert.deepEqual(
        { ...given, errors: given.errors.map(({ id }) => id) },
        {
          decision,
          reasons: diagnostics.reason.sort(),
          errors: diagnostics.errors.map(({ policyId }) => policyId).sort(),
        },
      );
      decided += given.reasons.length;
    }
  }
  assert.ok(decided > 10, `some links match: ${decided}`);
});

describe('linking', () => {
  const schema = 'entity U in [U]; entity R; action go appliesTo { principal: [U], resource: [R] };';
  const text = `permit(principal in ?principal, action, resource == ?resource);
    permit(principal == U::"root", action, resource);`;
  const policies = new Map(
    parsePolicies([{ file: 'a.cedar', text }]).map((policy, index) => [`policy${index}`, policy] as const),
  );
  const set = { policies, schema, schemaJson: resolveSchema(schema) };
  const ada = { type: 'U', id: 'ada' };
  const book = { type: 'R', id: 'book' };
  const request = { principal: ada, action: { type: 'Action', id: 'go' }, resource: book, context: {}, entities: [] };
  const link = (over: Partial<TemplateLink> = {}): TemplateLink => ({
    templateId: 'policy0',
    newId: 'ada-book',
    values: { '?principal': ada, '?resource': book },
    ...over,
  });

  test('a template decides nothing until it is linked, and then under the id of the link', () => {
    assert.equal(compilePolicySet(set).decide(request).decision, 'deny');
    const linked = compilePolicySet(set, { links: [link()] });
    assert.deepEqual(linked.decide(request), { decision: 'allow', reasons: ['ada-book'], errors: [] });
    assert.notEqual(
      linked.hash,
      compilePolicySet(set, { links: [link({ values: { ...link().values, '?principal': { type: 'U', id: 'eve' } } })] })
        .hash,
    );
  });

  test('refuses a link that does not fit its template', () => {
    const wrong: Partial<TemplateLink>[] = [
      { values: { '?principal': ada } },
      { values: {} },
      { templateId: 'policy1' },
      { templateId: 'nothing' },
      { newId: 'policy1' },
      { values: { ...link().values, '?action': ada } as never },
    ];
    for (const over of wrong)
      assert.throws(
        () => compilePolicySet(set, { links: [link(over)] }),
        (error) => error instanceof EngineError && error.code === 'invalid-link' && error.hint !== undefined,
        JSON.stringify(over),
      );
    assert.throws(() => compilePolicySet(set, { links: [link(), link()] }), EngineError);
  });

  test('`nullius decide` skips templates, as Cedar does', () => {
    const wasm = compilePolicies({
      policies: [{ file: 'a.cedar', text }],
      schema,
      naming: 'position',
      evaluator: 'wasm',
    });
    assert.deepEqual(wasm.decide(request), { decision: 'deny', reasons: [], errors: [] });
  });
});
