import type { EntityUid } from '#foundation/model';
import type { PrincipalReads } from '../reverse/principal-reads.ts';
import type { VersionedFacts } from './versioned-facts.ts';

/** What stands for an app: by itself, and together with all that policies cannot tell from it. */
export interface Place {
  readonly own: number;
  readonly alike: number;
}

/** Numbers apps so that two with the same number get the same answers, whoever asks. */
export class AlikePlaces {
  readonly #facts: VersionedFacts;
  readonly #reads: PrincipalReads;
  readonly #numbers = new Map<string, number>();
  /** Places and the first app of each number, from one change of apps and segments to the next. */
  #current = { from: 0, until: 0, places: new Map<string, Place>(), first: new Map<number, EntityUid>() };

  constructor(facts: VersionedFacts, reads: PrincipalReads) {
    this.#facts = facts;
    this.#reads = reads;
  }

  /** Numbers that were given. */
  get count(): number {
    return this.#numbers.size;
  }

  of(app: string): Place {
    const { revision } = this.#facts;
    if (revision < this.#current.from || revision >= this.#current.until) {
      this.#current = { ...this.#facts.changeSpan('place'), places: new Map(), first: new Map() };
    }
    const { places, from } = this.#current;
    let place = places.get(app);
    if (place === undefined) {
      const own = this.#number(`${from} ${JSON.stringify([app])}`);
      const like = this.#likeness(app);
      place = { own, alike: like === null ? own : this.#number(`${from} ${like}`) };
      places.set(app, place);
    }
    return place;
  }

  /** The first of the apps that are alike: what is known of it is looked up once. */
  standIn(resource: EntityUid): EntityUid {
    const { alike } = this.of(resource.id);
    const { first } = this.#current;
    const stand = first.get(alike) ?? resource;
    first.set(alike, stand);
    return stand;
  }

  /** All that policies can notice about an app; null where they can notice that it is this one. */
  #likeness(id: string): string | null {
    const app = this.#facts.get('resource', id);
    const { isResourceRead, apps, paths } = this.#reads;
    if (app === undefined || isResourceRead || apps.has(id) || !id.isWellFormed()) return null;
    const { origin, requestable } = app;
    const attributes = Object.entries({ origin, requestable }).filter(([name]) => paths.has(`resource.${name}`));
    // Sensitivity and all that stands above come from the segment.
    return JSON.stringify([null, app.segment, attributes]);
  }

  #number(key: string): number {
    const number = this.#numbers.get(key) ?? this.#numbers.size;
    this.#numbers.set(key, number);
    return number;
  }
}
