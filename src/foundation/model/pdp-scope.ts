/** What a caller of the PDP may ask about, as its token's scopes say. */
export interface PdpScope {
  readonly isEverything: boolean;
  /** Apps it may ask about; `true`: it may also search there. */
  readonly apps: ReadonlyMap<string, boolean>;
  /** Cedar namespaces of applications that only ask. */
  readonly namespaces: ReadonlyMap<string, boolean>;
}

const scopePattern =
  /^pdp(?::app:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)|:namespace:([A-Za-z_][A-Za-z0-9_]*(?:::[A-Za-z_][A-Za-z0-9_]*)*))?(:search)?$/;

/**
 * Reads the scopes that speak of the PDP: `pdp` (everything), `pdp:app:<name>`, `pdp:namespace:<Namespace>`; the last two with
 * `:search` also search. Others say nothing here. Null: the token is for no PDP.
 */
export function readPdpScope(scopes: readonly string[]): PdpScope | null {
  const apps = new Map<string, boolean>();
  const namespaces = new Map<string, boolean>();
  let isEverything = false;
  for (const scope of scopes) {
    const parsed = parsePdpScope(scope);
    if (parsed === undefined) continue;
    const { app, namespace, isSearch } = parsed;
    if (app !== undefined) apps.set(app, apps.get(app) === true || isSearch);
    else if (namespace !== undefined) namespaces.set(namespace, namespaces.get(namespace) === true || isSearch);
    else isEverything = true;
  }
  return isEverything || apps.size > 0 || namespaces.size > 0 ? { isEverything, apps, namespaces } : null;
}

interface ParsedScope {
  readonly app: string | undefined;
  readonly namespace: string | undefined;
  readonly isSearch: boolean;
}

/** One scope of a token; undefined when it is not one of the PDP's. */
export function parsePdpScope(scope: string): ParsedScope | undefined {
  const match = scopePattern.exec(scope);
  if (match === null) return undefined;
  const [, app, namespace, search] = match;
  // `pdp:search` would say nothing that `pdp` does not.
  if (app === undefined && namespace === undefined && search !== undefined) return undefined;
  return { app, namespace, isSearch: search !== undefined };
}

/** May the caller ask about this resource, and, when `isSearch`, find out who and what by searching? */
export function pdpScopeCovers(
  scope: PdpScope,
  about: { readonly isSearch: boolean } & ({ readonly app: string } | { readonly namespace: string }),
): boolean {
  if (scope.isEverything) return true;
  const maySearch = 'app' in about ? scope.apps.get(about.app) : scope.namespaces.get(about.namespace);
  return maySearch !== undefined && (maySearch || !about.isSearch);
}
