import type { PolicyJson } from '../policy-set.ts';
import { type Constants, compileOutline, type Environment, type Evaluate, toBool } from './compile-expression.ts';
import type { EntityRef } from './entity-ref.ts';
import type { EntityStore } from './entity-store.ts';
import { type Constant, Outliner } from './outline.ts';
import { type Range, RangeTable } from './range-table.ts';
import { Row } from './row.ts';
import { readScope } from './scope.ts';
import { isWithinKey, type ScopeKeys } from './scope-keys.ts';

/** The conditions of a policy, compiled for all policies of the same outline. Throws EvaluationError. */
type Test = (environment: Environment, constants: Constants) => boolean;

/** A policy ready to be evaluated, and its constants. */
export class CompiledPolicy extends Row<Constant> {
  /** null: it has no conditions. */
  readonly test: Test | null;
  readonly isPermit: boolean;
  /** null: of any type. */
  readonly principalType: string | null;
  readonly resourceType: string | null;
  /** Its place among all policies by id: reasons and errors are told in that order. */
  readonly rank: number;
  readonly id: string;
  /** What a decision says that it alone made. */
  readonly reasons: readonly [string];

  constructor(constants: readonly Constant[], rest: Omit<CompiledPolicy, keyof Row<Constant> | 'reasons'>) {
    super(constants);
    this.test = rest.test;
    this.isPermit = rest.isPermit;
    this.principalType = rest.principalType;
    this.resourceType = rest.resourceType;
    this.rank = rest.rank;
    this.id = rest.id;
    this.reasons = Object.freeze([rest.id] as const);
  }
}

/** Of one resource key, up to this many policies are looked at one by one: finding them by the principal's keys costs as much. */
const listedMax = 16;
/** Stands for all keys of standing in something, where there are any. */
const anyAbove = 0x7fff_ffff;

/** A policy of an action, with the keys of its scope. */
interface Entry {
  readonly resourceKey: number;
  readonly principalKey: number;
  readonly policy: CompiledPolicy;
}

/** Is told each policy whose scope fits. */
export interface PolicyJudge {
  readonly environment: Environment;
  judge(policy: CompiledPolicy): void;
}

/** Policies of one action, by the keys of resource and principal. */
export class Bucket {
  readonly #keys: ScopeKeys;
  /** By resource key: where its policies begin. They end where those of the next begin. */
  readonly #starts: Int32Array;
  /** Where there are many: by resource key and principal key, and whether `anyAbove`. */
  readonly #ranges: RangeTable;
  readonly #principalKeys: Int32Array;
  /** Those of one resource key side by side, so that few fetches find them. */
  readonly #policies: readonly CompiledPolicy[];
  readonly #asksAboveResource: boolean;

  /** `entries` by resource key and then by principal key. */
  constructor(keys: ScopeKeys, entries: readonly Entry[]) {
    this.#keys = keys;
    this.#principalKeys = Int32Array.from(entries, ({ principalKey }) => principalKey);
    this.#policies = entries.map(({ policy }) => policy);
    this.#starts = startsOf(entries);
    this.#ranges = new RangeTable(rangesOf(entries));
    this.#asksAboveResource = entries.some(({ resourceKey }) => isWithinKey(resourceKey));
  }

  visit(judge: PolicyJudge): void {
    if (this.#policies.length === 0) return;
    const { environment } = judge;
    const { principals, resources } = this.#keys;
    const starts = this.#starts;
    principals.hold(environment.principal);
    resources.hold(environment.resource);
    if (this.#asksAboveResource) resources.holdAbove(environment.entities);
    for (let index = 0; index < resources.count; index += 1) {
      const resourceKey = resources.list[index] ?? -1;
      const start = starts[resourceKey] ?? 0;
      const end = starts[resourceKey + 1] ?? start;
      if (end - start > listedMax) this.#visitMany(resourceKey, judge);
      else
        for (let at = start; at < end; at += 1)
          if (principals.has(this.#principalKeys[at] ?? -1, environment.entities)) this.#tell(at, judge);
    }
  }

  #visitMany(resourceKey: number, judge: PolicyJudge): void {
    const { principals } = this.#keys;
    const ranges = this.#ranges;
    const asksAbove = ranges.find(resourceKey, anyAbove) >= 0;
    if (asksAbove) principals.holdAbove(judge.environment.entities);
    for (let index = 0; index < principals.count; index += 1) {
      const key = principals.list[index] ?? -1;
      if (!asksAbove && isWithinKey(key)) continue;
      const found = ranges.find(resourceKey, key);
      if (found < 0) continue;
      const end = ranges.end(found);
      for (let at = ranges.start(found); at < end; at += 1) this.#tell(at, judge);
    }
  }

  /** What is left of a scope whose keys fit is its types. */
  #tell(at: number, judge: PolicyJudge): void {
    const policy = this.#policies[at];
    if (policy === undefined) return;
    const { principalType, resourceType } = policy;
    const { principal, resource } = judge.environment;
    if (principalType !== null && principalType !== principal.type) return;
    if (resourceType !== null && resourceType !== resource.type) return;
    judge.judge(policy);
  }
}

/** Where, in sorted entries, those of each resource key begin: after all of smaller keys. */
function startsOf(entries: readonly Entry[]): Int32Array {
  const starts = new Int32Array((entries.at(-1)?.resourceKey ?? 0) + 2);
  for (const { resourceKey } of entries) starts[resourceKey + 1] = (starts[resourceKey + 1] ?? 0) + 1;
  for (let key = 1; key < starts.length; key += 1) starts[key] = (starts[key] ?? 0) + (starts[key - 1] ?? 0);
  return starts;
}

/** Where, in sorted entries, those of each pair of keys stand, for resource keys that have many. */
function rangesOf(entries: readonly Entry[]): Range[] {
  const ranges: Range[] = [];
  const endOf = (start: number, isSame: (a: Entry, b: Entry) => boolean) => {
    const first = entries[start];
    let end = start;
    for (let next = first; first !== undefined && next !== undefined && isSame(first, next); next = entries[end])
      end += 1;
    return end;
  };
  for (let start = 0; start < entries.length; ) {
    const first = entries[start]?.resourceKey ?? 0;
    const end = endOf(start, (a, b) => a.resourceKey === b.resourceKey);
    if (end - start <= listedMax) start = end;
    else if (entries.slice(start, end).some(({ principalKey }) => isWithinKey(principalKey)))
      ranges.push({ first, second: anyAbove, start, end });
    while (start < end) {
      const next = endOf(start, (a, b) => a.resourceKey === b.resourceKey && a.principalKey === b.principalKey);
      ranges.push({ first, second: entries[start]?.principalKey ?? 0, start, end: next });
      start = next;
    }
  }
  return ranges;
}

/** Compiles policies (Cedar's JSON) and sorts them under the actions of the schema. */
export class PolicyIndex {
  readonly #byAction = new Map<EntityRef, Bucket>();
  readonly #tests = new Map<string, Test>();
  readonly #store: EntityStore;

  constructor(policies: Iterable<readonly [id: string, json: PolicyJson]>, store: EntityStore) {
    this.#store = store;
    const sorted = [...policies].sort(([a], [b]) => (a < b ? -1 : 1));
    const compiled = sorted.map(([id, json], rank) => ({ json, ...this.#compile(id, { json, rank }) }));
    const { keys } = store;
    const entries = compiled.map(({ policy, principal, resource, json }) => ({
      policy,
      principalKey: keys.give(principal),
      resourceKey: keys.give(resource),
      action: readScope(json.action, store),
    }));
    entries.sort((a, b) => a.resourceKey - b.resourceKey || a.principalKey - b.principalKey);
    for (const ref of store.actions.keys()) {
      const above = store.ancestors(ref);
      const concerned = entries.filter(({ action }) => {
        const isWithin = action.above?.some((each) => each === ref || above.has(each)) ?? true;
        return isWithin && (action.equals === null || action.equals === ref);
      });
      this.#byAction.set(ref, new Bucket(keys, concerned));
    }
  }

  /** How many outlines the policies have. */
  get outlineCount(): number {
    return this.#tests.size;
  }

  /** The policies of an action of the schema. */
  bucket(action: EntityRef): Bucket {
    return this.#byAction.get(action) ?? new Bucket(this.#store.keys, []);
  }

  #compile(id: string, { json, rank }: { json: PolicyJson; rank: number }) {
    const outliner = new Outliner({
      ref: (type, name) => this.#store.pin(type, name),
      text: (text) => this.#store.text(text),
    });
    const conditions = json.conditions.map(({ kind, body }) => [kind, outliner.outline(body)] as const);
    const key = JSON.stringify(conditions);
    let test = this.#tests.get(key) ?? null;
    if (test === null && conditions.length > 0) {
      test = testOf(conditions.map(([kind, outline]) => ({ wanted: kind === 'when', run: compileOutline(outline) })));
      this.#tests.set(key, test);
    }
    const [principal, resource] = [readScope(json.principal, this.#store), readScope(json.resource, this.#store)];
    const policy = new CompiledPolicy(outliner.constants, {
      id,
      rank,
      isPermit: json.effect === 'permit',
      test,
      principalType: principal.type,
      resourceType: resource.type,
    });
    return { policy, principal, resource };
  }
}

function testOf(conditions: readonly { readonly wanted: boolean; readonly run: Evaluate }[]): Test {
  const [first] = conditions;
  if (first !== undefined && conditions.length === 1) {
    const { wanted, run } = first;
    return (environment, constants) => toBool(run(environment, constants)) === wanted;
  }
  return (environment, constants) => {
    for (const { wanted, run } of conditions) if (toBool(run(environment, constants)) !== wanted) return false;
    return true;
  };
}
