/** A policy in Cedar's JSON policy format (https://docs.cedarpolicy.com/policies/json-format.html), integers exact. */
export interface PolicyJson {
  readonly effect: 'permit' | 'forbid';
  readonly principal: unknown;
  readonly action: unknown;
  readonly resource: unknown;
  readonly conditions: readonly { readonly kind: 'when' | 'unless'; readonly body: unknown }[];
  readonly annotations?: Readonly<Record<string, string>>;
}

type Uid = { readonly type: string; readonly id: string };
export type UidJson = Uid | { readonly __entity: Uid };

/** The constraint of a scope on principal, action or resource. */
export interface ScopeJson {
  readonly op: string;
  /** Missing where a template has a slot. */
  readonly entity?: UidJson;
  readonly entities?: readonly UidJson[];
  readonly entity_type?: string;
  readonly in?: { readonly entity?: UidJson };
}

/** A schema in Cedar's JSON schema format by namespace, every name resolved to an entity or a common type. */
export type SchemaJson = Readonly<Record<string, unknown>>;

/** A file of policies as read from disk or from a publication. */
export interface PolicySource {
  readonly file: string;
  readonly text: string;
}

/** A policy, parsed, and where it stands. */
export interface LocatedPolicy {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly json: PolicyJson;
}

/** Policies by id and their schema, parsed: what the compiler needs. */
export interface PolicySet {
  readonly policies: ReadonlyMap<string, LocatedPolicy>;
  /** The schema as its author wrote it. */
  readonly schema: string;
  readonly schemaJson: SchemaJson;
}

export const policyCountMax = 10_000;
export const policyLengthMax = 65_536;
export const policyIdLengthMax = 200;
