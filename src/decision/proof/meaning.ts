import type { CedarType } from './cedar-type.ts';
import type { SymbolOf, Term as TermOf, Terms as TermsOf } from './term.ts';

/** Where a value stands: in the context, in the attributes of entities of a type, or in their tags (which take a key besides). */
export interface Place {
  readonly root: 'context' | 'attribute' | 'tag';
  /** The entity type; empty for the context. */
  readonly type: string;
  readonly path: readonly string[];
}

/** Which part of a value: most have one, addresses have three, sets are asked element by element. */
export type Part = 'value' | 'present' | 'member' | 'v6' | 'address' | 'prefix';

/** The three parts of one address. */
export type Family = () => { readonly v6: FreeSymbol; readonly address: FreeSymbol; readonly prefix: FreeSymbol };

/** What a function the solver chooses is of the request or the entity store. */
export type Meaning =
  | { readonly kind: 'principal' | 'action' | 'resource' }
  | {
      readonly kind: 'leaf';
      readonly place: Place;
      readonly part: Part;
      readonly type: CedarType;
      readonly family?: Family;
    }
  | { readonly kind: 'exists'; readonly type: string }
  /** Strictly above: takes the lower and the upper entity. */
  | { readonly kind: 'above'; readonly lower: string; readonly upper: string }
  | { readonly kind: 'has-tag'; readonly type: string }
  /** Is there an element for which `claim` holds? */
  | { readonly kind: 'some'; readonly claim: Claim }
  | { readonly kind: 'witness'; readonly type: CedarType; readonly part: Part; readonly family?: Family }
  /** What could not be encoded: anything may be the case. */
  | { readonly kind: 'gap'; readonly gap: Gap };

/** "Some element of this kind has this property." Sets are finite: it is decided by the elements that are spoken of, and one witness. */
export interface Claim {
  readonly element: CedarType;
  readonly of: (element: Element) => Term;
  /** An element that is there if the claim is true. */
  readonly witness: Element;
  /** Elements that the sets of the claim name. */
  readonly named: readonly Element[];
}

/** An element of a set as terms: one, or three for an address. */
export type Element = readonly Term[];

/** A construct that could not be encoded, and in which policy. */
export interface Gap {
  readonly construct: string;
  readonly policy: string;
}

export type Term = TermOf<Meaning>;
export type Terms = TermsOf<Meaning>;
export type FreeSymbol = SymbolOf<Meaning>;
