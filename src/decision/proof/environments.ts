import type { ActionType, RecordType, SchemaModel } from './cedar-type.ts';

/** One type of request: who of which type asks for what of which type, by one of some actions whose context is alike. */
export interface RequestType {
  readonly principal: string;
  readonly resource: string;
  readonly actions: readonly ActionType[];
  readonly context: RecordType;
}

function shapeKey(value: unknown): unknown {
  if (value instanceof Map)
    return [...value].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, v]) => [name, shapeKey(v)]);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value).map(([name, v]) => [name, shapeKey(v)]);
}

/** All types of requests that a schema admits. Together they are every request there can be. */
export function requestTypes(schema: SchemaModel): RequestType[] {
  const found = new Map<string, { principal: string; resource: string; actions: ActionType[]; context: RecordType }>();
  for (const action of schema.actions) {
    const context = JSON.stringify(shapeKey(action.context));
    for (const principal of action.principals) {
      for (const resource of action.resources) {
        const key = JSON.stringify([principal, resource, action.type, context]);
        const known = found.get(key);
        if (known === undefined) found.set(key, { principal, resource, actions: [action], context: action.context });
        else known.actions.push(action);
      }
    }
  }
  return [...found.values()];
}
