import type { EntityUid } from '#foundation/model';
import { isNode, madeMembers } from './expression-json.ts';
import type { PolicyJson, ScopeJson, UidJson } from './policy-set.ts';

type Found = Map<string, EntityUid>;

function add(found: Found, uid: UidJson | undefined): void {
  if (uid === undefined) return;
  const { type, id } = '__entity' in uid ? uid.__entity : uid;
  found.set(JSON.stringify([type, id]), { type, id });
}

/** Every entity in a value literal. */
function ofValue(found: Found, value: unknown): void {
  if (Array.isArray(value)) for (const item of value) ofValue(found, item);
  if (!isNode(value)) return;
  if (isNode(value['__entity'])) add(found, value as UidJson);
  else for (const item of Object.values(value)) ofValue(found, item);
}

function ofExpression(found: Found, json: unknown): void {
  if (Array.isArray(json)) for (const item of json) ofExpression(found, item);
  if (!isNode(json)) return;
  const members = madeMembers(json);
  if (members !== undefined) ofExpression(found, members);
  else if ('Value' in json) ofValue(found, json['Value']);
  else for (const part of Object.values(json)) ofExpression(found, part);
}

/** Every entity that a policy writes out, in its head and in its conditions, once each; actions are not counted. */
export function entityLiterals({ principal, resource, conditions }: PolicyJson): EntityUid[] {
  const found: Found = new Map();
  for (const scope of [principal, resource] as ScopeJson[]) {
    for (const uid of [scope.entity, scope.in?.entity, ...(scope.entities ?? [])]) add(found, uid);
  }
  for (const { body } of conditions) ofExpression(found, body);
  return [...found.values()].filter(({ type }) => type !== 'Action' && !type.endsWith('::Action'));
}
