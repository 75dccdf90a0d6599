// Cedar's JSON schema format (https://docs.cedarpolicy.com/schema/json-schema.html), every name resolved.

/** A type, or the name of a common one. */
export interface TypeJson {
  readonly type: string;
  readonly name?: string;
  readonly element?: TypeJson;
  readonly attributes?: Readonly<Record<string, TypeJson & { readonly required?: boolean }>>;
}

/** What a namespace declares. */
export interface NamespaceJson {
  readonly commonTypes?: Readonly<Record<string, TypeJson>>;
  readonly entityTypes: Readonly<
    Record<string, { enum?: readonly string[]; memberOfTypes?: readonly string[]; shape?: TypeJson; tags?: TypeJson }>
  >;
  readonly actions: Readonly<
    Record<
      string,
      {
        appliesTo?: { principalTypes: readonly string[]; resourceTypes: readonly string[]; context?: TypeJson };
        memberOf?: readonly { id: string; type?: string }[];
      }
    >
  >;
}
