import type { z } from 'zod';

interface SchemaNode {
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  readonly element?: z.core.$ZodType;
  readonly options?: readonly z.core.$ZodType[];
  readonly innerType?: z.core.$ZodType;
  readonly in?: z.core.$ZodType;
}

/** The keys a strict object schema knows at `path` (array indexes are numbers); empty where there is no object. */
export function knownKeysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const node = schemaNode(schema);
  const inner = node.innerType ?? node.in;
  if (inner !== undefined) return knownKeysAt(inner, path);
  if (node.options !== undefined) return node.options.flatMap((option) => knownKeysAt(option, path));
  const [head, ...rest] = path;
  if (head === undefined) return Object.keys(node.shape ?? {});
  if (typeof head === 'number') return node.element === undefined ? [] : knownKeysAt(node.element, rest);
  const member = node.shape?.[String(head)];
  return member === undefined ? [] : knownKeysAt(member, rest);
}

function schemaNode(schema: z.core.$ZodType): SchemaNode {
  return schema._zod.def as SchemaNode;
}
