import type { JsonPath, PolicyJson } from '#decision/engine';
import type { Expression } from '../expression.ts';

/** A part of a policy that must hold (or must not, behind `unless` and `!`) for the policy to be satisfied. */
export interface PolicyPart {
  readonly kind: 'when' | 'unless';
  /** Leads from the policy's JSON to the expression. */
  readonly path: JsonPath;
  readonly expression: Expression;
  readonly wanted: boolean;
}

function* split(expression: Expression, part: Omit<PolicyPart, 'expression'>): Generator<PolicyPart> {
  const [operator = '', operand] = Object.entries(expression)[0] ?? [];
  const { left, right, arg } = (operand ?? {}) as { left?: Expression; right?: Expression; arg?: Expression };
  const at = (step: string) => [...part.path, operator, step];
  const isSplit = (operator === '&&' && part.wanted) || (operator === '||' && !part.wanted);
  if (isSplit && left !== undefined && right !== undefined) {
    yield* split(left, { ...part, path: at('left') });
    yield* split(right, { ...part, path: at('right') });
  } else if (operator === '!' && arg !== undefined) {
    yield* split(arg, { ...part, path: at('arg'), wanted: !part.wanted });
  } else yield { ...part, expression };
}

/** The smallest parts of a policy's conditions that must all be as wanted, in the order in which Cedar comes to them. */
export function partsOf({ conditions }: Pick<PolicyJson, 'conditions'>): PolicyPart[] {
  return conditions.flatMap(({ kind, body }, index) => [
    ...split(body as Expression, { kind, path: ['conditions', index, 'body'], wanted: kind === 'when' }),
  ]);
}

const everything = { op: 'All' } as const;

/** A policy that asks for one expression and nothing else. */
export function probe(expression: Expression): PolicyJson {
  const conditions = [{ kind: 'when', body: expression }] as const;
  return { effect: 'permit', principal: everything, action: everything, resource: everything, conditions };
}

type Uid = { readonly type: string; readonly id: string };

/** A scope constraint as the expression that it means; null: everything fits. */
export function scopeExpression(variable: 'principal' | 'action' | 'resource', scope: unknown): Expression | null {
  const {
    op,
    entity,
    entities,
    entity_type,
    in: within,
  } = scope as {
    op: string;
    entity?: Uid | { __entity: Uid };
    entities?: readonly (Uid | { __entity: Uid })[];
    entity_type?: string;
    in?: { entity?: Uid | { __entity: Uid } };
  };
  const left = { Var: variable };
  const uid = (json: Uid | { __entity: Uid } | undefined) => ({
    Value: { __entity: json === undefined || !('__entity' in json) ? json : json.__entity },
  });
  switch (op) {
    case '==':
      return { '==': { left, right: uid(entity) } };
    case 'in':
      return { in: { left, right: entities === undefined ? uid(entity) : { Set: entities.map(uid) } } };
    case 'is':
      return { is: { left, entity_type, ...(within === undefined ? {} : { in: uid(within.entity) }) } };
    default:
      return null;
  }
}
