import type { PolicySet } from '#decision/engine';

type Uid = { readonly type: string; readonly id: string };
type Json = { readonly [key: string]: unknown };

/** What a policy set can notice about who asks; two people who are alike in all of it get the same answers. */
export interface PrincipalReads {
  /** Something is compared that only one person is: nobody is like anybody else. */
  readonly isIdentityRead: boolean;
  /** An app is compared as a whole with something that is not named. */
  readonly isResourceRead: boolean;
  /** Ids of apps that policies name. */
  readonly apps: ReadonlySet<string>;
  /** Ids of users that policies name. */
  readonly users: ReadonlySet<string>;
  /** Ids of groups that policies name. */
  readonly groups: ReadonlySet<string>;
  /** Attribute paths that are read, such as `principal.status` and `context.session.bound`. */
  readonly paths: ReadonlySet<string>;
  /** Numbers that a path is compared with, ascending, where nothing else is done with it. */
  readonly thresholds: ReadonlyMap<string, readonly number[]>;
}

const comparisons = new Set(['<', '<=', '>', '>=', '==', '!=']);
const operandNames = ['left', 'right', 'arg', 'if', 'then', 'else', 'in'];

/** The literal entities an operand is, or null when it is anything else. */
function literalUids(operand: unknown): readonly Uid[] | null {
  const { Value: value, Set: items } = operand as { Value?: unknown; Set?: readonly unknown[] };
  if (items !== undefined) {
    const each = items.map(literalUids);
    return each.some((uids) => uids === null) ? null : each.flatMap((uids) => uids ?? []);
  }
  const { __entity: uid } = (typeof value === 'object' && value !== null ? value : {}) as { __entity?: Uid };
  return uid === undefined ? null : [uid];
}

const isVariable = (operand: unknown, name: string) => (operand as Json)['Var'] === name;

/** `context.session.bound` of such an expression; undefined when it does not begin with a variable. */
function pathOf(expression: unknown): string | undefined {
  const { Var: name, '.': access } = expression as { Var?: string; '.'?: { left: unknown; attr: string } };
  if (name !== undefined) return name;
  if (access === undefined) return undefined;
  const left = pathOf(access.left);
  // A dot cannot stand in an attribute's name and the separator be mistaken: such a name only makes the path unknown to us.
  return left === undefined ? undefined : `${left}.${access.attr}`;
}

class Reader {
  isIdentityRead = false;
  isResourceRead = false;
  readonly apps = new Set<string>();
  readonly users = new Set<string>();
  readonly groups = new Set<string>();
  readonly paths = new Set<string>();
  readonly exact = new Set<string>();
  readonly numbers = new Map<string, Set<number>>();

  mention(uids: readonly Uid[]): void {
    for (const { type, id } of uids) {
      if (type === 'User') this.users.add(id);
      if (type === 'Group') this.groups.add(id);
      if (type === 'App') this.apps.add(id);
    }
  }

  scope(json: unknown): void {
    const {
      entity,
      entities,
      in: within,
    } = json as { entity?: unknown; entities?: unknown[]; in?: { entity?: unknown } };
    for (const each of [entity, within?.entity, ...(entities ?? [])]) {
      if (each === undefined) continue;
      this.mention([(each as { __entity?: Uid }).__entity ?? (each as Uid)]);
    }
  }

  /** A path that is read for its value; a variable by itself gives everything away. */
  #read(path: string): void {
    if (path === 'principal') this.isIdentityRead = true;
    if (path === 'resource') this.isResourceRead = true;
    this.paths.add(path);
    this.exact.add(path);
  }

  walk(expression: unknown): void {
    const entry = Object.entries(expression as Json)[0];
    if (entry === undefined) return;
    const [operator, operand] = entry;
    if (operator === 'Value') return;
    const path = pathOf(expression);
    if (path !== undefined) this.#read(path);
    else if (operator === 'has') this.#has(operand as { left: unknown; attr: string | readonly string[] });
    else if (!this.#isMembership(operator, operand) && !this.#isComparison(operator, operand)) {
      this.#operands(operator, operand);
    }
  }

  #has({ left, attr }: { left: unknown; attr: string | readonly string[] }): void {
    const path = pathOf(left);
    if (path === undefined) this.walk(left);
    else this.#read([path, attr].flat().join('.'));
  }

  /** `in`, `is`, and `==` with an entity that is named: they tell a person only from those that are named. */
  #isMembership(operator: string, operand: unknown): boolean {
    const { left, right, in: above } = operand as { left?: unknown; right?: unknown; in?: unknown };
    if (operator === 'is' || operator === 'in') {
      const within = operator === 'is' ? above : right;
      const uids = within === undefined ? [] : literalUids(within);
      const isPlain = ['principal', 'action', 'resource'].some((name) => isVariable(left, name));
      // What stands above a group that is named depends on who asks, since only their groups are given.
      if (!isPlain || uids === null) this.isIdentityRead = true;
      if (!isPlain) this.walk(left);
      if (uids === null) this.walk(within);
      this.mention(uids ?? []);
      return true;
    }
    if (operator !== '==' && operator !== '!=') return false;
    const isSubject = (side: unknown) => isVariable(side, 'principal') || isVariable(side, 'resource');
    const other = isSubject(left) ? right : isSubject(right) ? left : undefined;
    const uids = other === undefined ? null : literalUids(other);
    if (uids === null) return false;
    this.mention(uids);
    return true;
  }

  #isComparison(operator: string, operand: unknown): boolean {
    if (!comparisons.has(operator)) return false;
    const { left, right } = operand as { left: unknown; right: unknown };
    for (const [side, other] of [
      [left, right],
      [right, left],
    ] as const) {
      const path = pathOf(side);
      const { Value: value } = other as { Value?: unknown };
      if (path === undefined || typeof value !== 'number') continue;
      this.paths.add(path);
      const known = this.numbers.get(path) ?? new Set();
      this.numbers.set(path, known.add(value));
      return true;
    }
    return false;
  }

  #operands(operator: string, operand: unknown): void {
    if (Array.isArray(operand)) for (const each of operand) this.walk(each);
    else if (operator === 'Record') for (const each of Object.values(operand as Json)) this.walk(each);
    else {
      const known = operandNames.flatMap((name) =>
        Object.hasOwn(operand as Json, name) ? [(operand as Json)[name]] : [],
      );
      // Something this reader does not know: then it might read anything.
      if (known.length === 0) {
        this.isIdentityRead = true;
        this.isResourceRead = true;
      }
      for (const each of known) this.walk(each);
    }
  }
}

/**
 * Reads what policies can notice about who asks. Errs towards more. `isStaged`: some of them are in force for a share of people only, so
 * that who somebody is counts.
 */
export function readsOfPrincipal(
  { policies }: Pick<PolicySet, 'policies'>,
  { isStaged = false }: { isStaged?: boolean } = {},
): PrincipalReads {
  const reader = new Reader();
  reader.isIdentityRead = isStaged;
  reader.isResourceRead = isStaged;
  for (const { json } of policies.values()) {
    reader.scope(json.principal);
    reader.scope(json.resource);
    for (const { body } of json.conditions) reader.walk(body);
  }
  const { isIdentityRead, isResourceRead, apps, users, groups, paths, exact, numbers } = reader;
  const ascending = (each: ReadonlySet<number>) => [...each].sort((a, b) => a - b);
  const thresholds = new Map(
    [...numbers].filter(([path]) => !exact.has(path)).map(([path, each]) => [path, ascending(each)] as const),
  );
  return { isIdentityRead, isResourceRead, apps, users, groups, paths, thresholds };
}
