import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePolicySet, type PolicySet } from '#decision/engine';
import { parsePolicySet } from '#decision/parser';
import { readSchema } from './cedar-type.ts';
import { PolicyEncoder } from './encode-policy.ts';
import { requestTypes } from './environments.ts';
import { GroundTruth } from './ground-truth.fuzz.ts';
import { hypothesesFor } from './hypotheses.ts';
import type { Meaning } from './meaning.ts';
import { body, Dice, exactPolicy, fuzzSchema, randomRequest } from './random-case.fuzz.ts';
import { Terms } from './term.ts';
import { subterms } from './write-smt.ts';

/** `NULLIUS_PROOF_RUNS`: how many policies; the recorded number stands in the README. */
const runs = Number(process.env['NULLIUS_PROOF_RUNS'] ?? 400);
const firstSeed = Number(process.env['NULLIUS_PROOF_SEED'] ?? 1);
const requestsEach = 20;

const emptySet = parsePolicySet({ policies: [], schema: fuzzSchema }).set;

/** Without the validator: what does not fit the schema shall be encoded as exactly as what does. */
function parseOne(text: string): PolicySet {
  assert.ok(emptySet !== undefined);
  return { ...emptySet, policies: new Map([['p', { file: 'a.cedar', line: 1, text, json: exactPolicy(text) }]]) };
}

test('the encoding of a policy says what the engine says, and no hypothesis is false of a real store', () => {
  let compared = 0;
  let gaps = 0;
  const outcomes = { applies: 0, errs: 0, neither: 0 };
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const dice = new Dice(seed);
    const set = parseOne(`permit ${body(dice)}`);
    const policy = set.policies.get('p')?.json;
    if (policy === undefined) continue;
    const compiled = compilePolicySet(set);
    const schema = readSchema(set.schemaJson);
    const requests = Array.from({ length: requestsEach }, () => randomRequest(dice));
    for (const request of requestTypes(schema)) {
      const terms = new Terms<Meaning>();
      const { applies, errs } = new PolicyEncoder(terms, { schema, request }).encode('p', policy);
      if (subterms([applies, errs]).some((term) => term.op === 'apply' && term.symbol.meaning.kind === 'gap')) {
        gaps += 1;
        continue;
      }
      const hypotheses = hypothesesFor([applies, errs], { schema, request, terms });
      // Claims choose their witnesses, so they come before what speaks of those.
      const claims = subterms(hypotheses).filter((term) => term.op === 'apply' && term.symbol.meaning.kind === 'some');
      for (const asked of requests) {
        const fits =
          asked.principal.type === request.principal &&
          asked.resource.type === request.resource &&
          request.actions.some(({ id }) => id === asked.action.id);
        if (!fits) continue;
        const { reasons, errors } = compiled.decide(asked);
        const truth = new GroundTruth(asked, terms);
        const said = [truth.of(applies), truth.of(errs)];
        const where = () =>
          `seed ${seed}: ${set.policies.get('p')?.text}\n${JSON.stringify(asked, (_k, v) => (typeof v === 'bigint' ? String(v) : v))}`;
        assert.deepEqual(said, [reasons.length > 0, errors.length > 0], where());
        for (const claim of claims) truth.of(claim);
        for (const hypothesis of hypotheses) assert.equal(truth.of(hypothesis), true, where());
        compared += 1;
        outcomes[said[0] ? 'applies' : said[1] ? 'errs' : 'neither'] += 1;
      }
    }
  }
  if (process.env['NULLIUS_PROOF_RUNS'] !== undefined) console.log({ compared, gaps, ...outcomes });
  assert.ok(compared > runs, `${compared} comparisons`);
  assert.ok(
    Object.values(outcomes).every((count) => count > runs / 20),
    JSON.stringify(outcomes),
  );
});
