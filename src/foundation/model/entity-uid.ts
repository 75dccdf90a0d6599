/** A Cedar entity identifier: an entity type and an id, unique within the type. */
export interface EntityUid {
  readonly type: string;
  readonly id: string;
}

const typeName = /^[A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Writes a uid in Cedar syntax, `User::"ada"`. Used as a map key: two uids are equal exactly when their texts are. */
export function formatUid(uid: EntityUid): string {
  return `${uid.type}::${JSON.stringify(uid.id)}`;
}

/** Reads `User::"ada"`. Returns undefined when the text is anything else. */
export function parseUid(text: string): EntityUid | undefined {
  const quote = text.indexOf('::"');
  if (quote < 0) return undefined;
  const type = text.slice(0, quote);
  if (!typeName.test(type)) return undefined;
  try {
    const id: unknown = JSON.parse(text.slice(quote + 2));
    return typeof id === 'string' ? { type, id } : undefined;
  } catch {
    return undefined;
  }
}
