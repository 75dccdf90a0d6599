/** An expression in Cedar's JSON policy format: its one member is the operator. */
export type Node = Readonly<Record<string, unknown>>;

export const isNode = (json: unknown): json is Node =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** The members of a record that an expression makes: their names are the author's, and may be those of operators. */
export function madeMembers(json: Node): readonly unknown[] | undefined {
  const record = json['Record'];
  return isNode(record) ? Object.values(record) : undefined;
}
