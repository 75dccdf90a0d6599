import type { PolicySet } from '#decision/engine';
import { type Answer, ask, isImpossible, type Setting, type Solver } from './ask.ts';
import { readSchema, type SchemaModel } from './cedar-type.ts';
import { type EncodedPolicy, isAllowed, PolicyEncoder } from './encode-policy.ts';
import { type RequestType, requestTypes } from './environments.ts';
import type { Meaning, Term } from './meaning.ts';
import { Terms } from './term.ts';

/** A policy set under one type of request. */
export interface RequestModel {
  readonly encoder: PolicyEncoder;
  readonly request: RequestType;
  readonly policies: readonly EncodedPolicy[];
  readonly allowed: Term;
  ask(...goals: readonly Term[]): Promise<Answer>;
  isImpossible(...goals: readonly Term[]): Promise<boolean>;
}

/** Encodes a set under every type of request its schema admits. Policies that cannot apply to a type are left out of it. */
export function modelsOf(set: PolicySet, solver: Solver): RequestModel[] {
  const schema = readSchema(set.schemaJson);
  return requestTypes(schema).map((request) => modelOf(set, { schema, request, solver }));
}

function modelOf(
  set: PolicySet,
  { schema, request, solver }: { schema: SchemaModel; request: RequestType; solver: Solver },
): RequestModel {
  const terms = new Terms<Meaning>();
  const encoder = new PolicyEncoder(terms, { schema, request });
  const policies = encodeAll(set, encoder);
  const setting: Setting = { schema, request, terms, solver };
  return {
    encoder,
    request,
    policies,
    allowed: isAllowed(policies, terms),
    ask: (...goals) => ask(goals, setting),
    isImpossible: (...goals) => isImpossible(goals, setting),
  };
}

/** Encodes the policies of a set that can say something about this type of request. */
function encodeAll(set: PolicySet, encoder: PolicyEncoder): EncodedPolicy[] {
  const { terms } = encoder;
  return [...set.policies]
    .map(([id, { json }]) => encoder.encode(id, json))
    .filter(({ applies, errs }) => applies !== terms.false || errs !== terms.false);
}

/** Two policy sets under one type of request, over the same requests and stores. */
export interface JointModel {
  readonly terms: PolicyEncoder['terms'];
  readonly allowedBefore: Term;
  readonly allowedAfter: Term;
  ask(...goals: readonly Term[]): Promise<Answer>;
}

/** Encodes two sets together, under the schema of the second. */
export function jointModelsOf(
  { before, after }: { before: PolicySet; after: PolicySet },
  solver: Solver,
): JointModel[] {
  const schema = readSchema(after.schemaJson);
  return requestTypes(schema).map((request) => {
    const terms = new Terms<Meaning>();
    const encoder = new PolicyEncoder(terms, { schema, request });
    const setting: Setting = { schema, request, terms, solver };
    return {
      terms,
      allowedBefore: isAllowed(encodeAll(before, encoder), terms),
      allowedAfter: isAllowed(encodeAll(after, encoder), terms),
      ask: (...goals) => ask(goals, setting),
    };
  });
}
