/** A request with its entities, in Cedar's JSON, as the API gives it. */
export interface ProofRequest {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: Readonly<Record<string, unknown>>;
  readonly entities: readonly ProofEntity[];
}

export interface Uid {
  readonly type: string;
  readonly id: string;
}

export interface ProofEntity {
  readonly uid: Uid;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly parents: readonly Uid[];
  readonly tags?: Readonly<Record<string, unknown>>;
}

interface Decided {
  readonly decision: 'allow' | 'deny';
  readonly policies: readonly string[];
}

interface Gap {
  readonly construct: string;
  readonly policy: string;
  readonly file: string;
  readonly line: number;
}

export interface ProofResult {
  readonly id: string;
  readonly kind: 'never' | 'always';
  readonly description: string;
  readonly file: string;
  readonly line: number;
  readonly assumptions: readonly string[];
  readonly outcome: 'holds' | 'counterexample' | 'undecided';
  readonly isVacuous?: boolean;
  readonly why?: string;
  readonly gaps?: readonly Gap[];
  readonly counterexample?: Decided & { readonly request: ProofRequest };
}

export interface Direction {
  readonly kind: 'none' | 'some' | 'undecided';
  readonly why?: string;
  readonly gaps?: readonly Gap[];
  readonly example?: { readonly request: ProofRequest; readonly before: Decided; readonly after: Decided };
}

export interface Comparison {
  readonly verdict: 'equivalent' | 'more-permissive' | 'less-permissive' | 'both' | 'undecided';
  readonly gained: Direction;
  readonly lost: Direction;
}

export interface PolicyFinding {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly effect: 'permit' | 'forbid';
  readonly kind: 'dead' | 'shadowed' | 'redundant' | 'undecided';
}

/** What was found, or null when something is wrong with the texts. */
export interface Checked<T> {
  readonly problems: readonly {
    readonly file: string;
    readonly line: number;
    readonly message: string;
    readonly severity: string;
  }[];
  readonly found: T | null;
}
