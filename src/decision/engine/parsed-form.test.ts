import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { compilePolicies, preparePolicies } from '#decision/parser';
import { compilePolicySet, EngineError, readParsedForm } from './index.ts';

const shipped = join(import.meta.dirname, '../../../policies');
const schema = readFileSync(join(shipped, 'schema.cedarschema'), 'utf8');
const policies = globSync(join(shipped, '*.cedar'))
  .sort()
  .map((file) => ({ file: basename(file), text: readFileSync(file, 'utf8') }));

function formOf(texts: readonly { file: string; text: string }[], withSchema = schema): string {
  const { parsedForm, problems } = preparePolicies({ policies: texts, schema: withSchema });
  assert.ok(parsedForm !== undefined, JSON.stringify(problems));
  return parsedForm;
}

/** A form with its JSON changed, as somebody could sign who should not. */
function altered(form: string, change: (json: { policies: unknown[]; [key: string]: unknown }) => unknown): string {
  const json = JSON.parse(inflateRawSync(Buffer.from(form, 'base64url')).toString());
  return deflateRawSync(JSON.stringify(change(json) ?? json)).toString('base64url');
}

describe('readParsedForm()', () => {
  test('gives what the parser gave: same hash, same descriptions, without the parser', () => {
    const direct = compilePolicies({ policies, schema });
    const shippedSet = compilePolicySet(readParsedForm(formOf(policies), { sources: policies, schema }));
    assert.equal(shippedSet.hash, direct.hash);
    assert.equal(shippedSet.readsTime, direct.readsTime);
    assert.deepEqual([...shippedSet.policies], [...direct.policies]);
  });

  test('keeps integers that JSON numbers would round', () => {
    const tiny = 'entity U; action a appliesTo { principal: [U], resource: [U], context: { n: Long } };';
    const text = `@id("9007199254740993") permit(principal, action, resource)
      when { context.n == 9007199254740993 || [-9223372036854775808, 9007199254740991].contains(context.n) };`;
    const sources = [{ file: 'a.cedar', text }];
    const set = readParsedForm(formOf(sources, tiny), { sources, schema: tiny });
    const { decide } = compilePolicySet(set);
    const answer = (n: bigint | number) => {
      const uid = { type: 'U', id: 'u' };
      const request = { principal: uid, action: { type: 'Action', id: 'a' }, resource: uid };
      return decide({ ...request, context: { n }, entities: [] }).decision;
    };
    assert.deepEqual([...set.policies.keys()], ['9007199254740993']);
    for (const n of [9007199254740993n, -9223372036854775808n, 9007199254740991]) assert.equal(answer(n), 'allow');
    for (const n of [9007199254740992n, 9007199254740994n, -9223372036854775807n]) assert.equal(answer(n), 'deny');
  });

  const [first, ...others] = policies;
  assert.ok(first !== undefined);
  const hidden = `${first.text}\n@id("hidden") forbid(principal, action, resource);`;
  const form = formOf(policies);
  const attacks: Record<string, { form: string; sources?: typeof policies }> = {
    'a policy that people read and nobody judges': { form, sources: [{ file: first.file, text: hidden }, ...others] },
    'a policy that is judged and nobody reads': { form, sources: others },
    'two policies of one id': {
      form: altered(form, (json) => ({ ...json, policies: json.policies.map(() => json.policies[0]) })),
    },
    'a policy without an id': {
      form: altered(form, ({ policies: [head, ...rest], ...json }) => ({
        ...json,
        policies: [{ json: { ...(head as { json: object }).json, annotations: {} } }, ...rest],
      })),
    },
    'an effect that is none': {
      form: altered(form, ({ policies: [head, ...rest], ...json }) => ({
        ...json,
        policies: [{ json: { ...(head as { json: object }).json, effect: 'allow' } }, ...rest],
      })),
    },
    'another format': { form: altered(form, (json) => ({ ...json, format: 2 })) },
    'a member more': { form: altered(form, (json) => ({ ...json, extra: 1 })) },
    'exact text that is not JSON': { form: altered(form, (json) => ({ ...json, policies: [{ exact: '{' }] })) },
    'too many policies': {
      form: altered(form, (json) => ({ ...json, policies: Array(10_001).fill(json.policies[0]) })),
    },
    'no base64url': { form: `${form}=` },
    'no deflated bytes': { form: Buffer.from('{}').toString('base64url') },
    'a bomb': { form: deflateRawSync(Buffer.alloc(130 * 1024 * 1024, 32)).toString('base64url') },
    nothing: { form: '' },
  };
  for (const [name, attack] of Object.entries(attacks)) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => readParsedForm(attack.form, { sources: attack.sources ?? policies, schema }),
        (error) => error instanceof EngineError && error.code === 'invalid-parsed-form',
      );
    });
  }
});
