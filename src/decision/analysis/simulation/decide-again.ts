import { judge, type PublishedPolicies, type Subject } from '#decision/administration';
import type { PolicySet } from '#decision/engine';
import type { Question, RequestContext } from '#foundation/model';
import { type PrincipalReads, readsOfPrincipal } from '../reverse/principal-reads.ts';
import { alikeActions, appActions } from './alike-actions.ts';
import { AlikeAskers, type Who } from './alike-askers.ts';
import { AlikePlaces } from './alike-places.ts';
import type { VersionedFacts } from './versioned-facts.ts';

/** Answers kept, so that alike questions are judged once. */
const answersMax = 500_000;

/** A policy set that may be asked. */
export interface AskedSet {
  readonly published: PublishedPolicies;
  readonly set: Pick<PolicySet, 'policies'>;
}

export interface AgainAnswer {
  readonly isAllowed: boolean;
  readonly reasons: readonly string[];
}

/** What both sets said. `before` is null where the publication of then is gone. */
export interface Again {
  readonly before: AgainAnswer | null;
  readonly after: AgainAnswer;
}

/** When a question was asked, and under which publication. */
interface Then {
  readonly time: number;
  readonly sequence: number;
}

const requestParts = ['method', 'host', 'path', 'route', 'address', 'tls'] as const satisfies (keyof RequestContext)[];

const anonymous = { kind: 'anonymous' } as const;

/**
 * Asks recorded questions again, of the policies of then and of those that are rehearsed, by the facts of then. Questions that none of
 * these policies can tell apart are judged once: the key is made of all that they read.
 */
export class DecideAgain {
  readonly #facts: VersionedFacts;
  readonly #before: ReadonlyMap<number, AskedSet>;
  readonly #after: PublishedPolicies;
  readonly #reads: PrincipalReads;
  readonly #parts: readonly (keyof RequestContext)[];
  readonly #isTimeRead: boolean;
  /** Do policies read entities because they name them? Then any change of facts may turn any answer. */
  readonly #isAnythingRead: boolean;
  readonly #actions: ReadonlyMap<string, number>;
  readonly #sequences: ReadonlyMap<number, number>;
  readonly #policies: PolicySet['policies'];
  #askers: AlikeAskers<Again>;
  #places: AlikePlaces;
  /** The newest facts when the first question came: what was found holds until there are newer ones. */
  #last = -1;
  #answersCount = 0;
  /** Questions that were really judged. */
  judged = 0;

  constructor({
    facts,
    before,
    after,
  }: { facts: VersionedFacts; before: ReadonlyMap<number, AskedSet>; after: AskedSet }) {
    this.#facts = facts;
    this.#before = before;
    this.#after = after.published;
    const sets = [...before.values(), after];
    const all = sets.flatMap(({ set }, index) =>
      [...set.policies].map(([id, policy]) => [`${index} ${id}`, policy] as const),
    );
    const isStaged = sets.some(({ published }) => published.beside !== undefined);
    this.#policies = new Map(all);
    this.#reads = readsOfPrincipal({ policies: this.#policies }, { isStaged });
    const { paths } = this.#reads;
    const isRead = (part: string) => paths.has('context') || paths.has(`context.${part}`);
    this.#parts = requestParts.filter(isRead);
    this.#isTimeRead = isRead('now');
    this.#isAnythingRead = sets.some(({ published }) => published.compiled.named.length > 0);
    this.#actions = alikeActions(
      sets.map(({ published, set }) => ({ policies: set.policies, schemaJson: published.compiled.schemaJson })),
    );
    this.#sequences = new Map([...before.keys()].map((sequence, index) => [sequence, index]));
    this.#askers = new AlikeAskers(facts, this.#reads);
    this.#places = this.#freshPlaces();
  }

  /** The facts must be set to the revision that the question is asked at. */
  decide(question: Question, { time, sequence }: Then): Again {
    this.#forgetWhatIsStale();
    const { asker, resource } = question;
    const who = this.#askers.of(asker, { app: resource.id, time });
    const isAlone = who.person === null;
    const { own, alike, reads } = this.#places.of(resource.id);
    // Scopes of tokens, which only who asks alone has, tell actions apart.
    const action = isAlone ? appActions.indexOf(question.action) : (this.#actions.get(question.action) ?? -1);
    const key = this.#key(question, { place: isAlone ? own : alike, action, time, sequence });
    const known = who.answers.get(key);
    if (known !== undefined) return known;
    const again = this.#nearly(question, { who, reads, key, time, sequence });
    who.answers.set(key, again);
    this.#answersCount += 1;
    return again;
  }

  /** Answers as somebody was answered whom no policy that may concern the place can tell from who asks. */
  #nearly(
    question: Question,
    { who, reads, key, ...then }: Then & { who: Who<Again>; reads: PrincipalReads; key: number | string },
  ): Again {
    const near = this.#askers.near(who, { asker: question.asker, reads, time: then.time });
    const known = near?.get(key);
    if (known !== undefined) return known;
    const again = this.#ask(question, { who, ...then });
    near?.set(key, again);
    return again;
  }

  #ask(question: Question, { who, time, sequence }: Then & { who: Who<Again> }): Again {
    const as = this.#askers.standIn(who, question.asker);
    const { action, resource, request } = question;
    const asked =
      as === undefined
        ? { question }
        : { question: { asker: anonymous, action, resource: this.#places.standIn(resource), request }, as };
    const before = this.#before.get(sequence);
    return {
      before: before === undefined ? null : this.#judge(before.published, asked, time),
      after: this.#judge(this.#after, asked, time),
    };
  }

  /** A text, or a number where the answer hangs on who asks, the app, the action and the sets alone. */
  #key(
    question: Question,
    { place, action, time, sequence }: Then & { place: number; action: number },
  ): number | string {
    // All publications that are gone are as one: only the rehearsed set is asked.
    const set = this.#sequences.get(sequence) ?? this.#sequences.size;
    const where = place * (this.#sequences.size + 1) + set;
    const isShort = this.#parts.length === 0 && !this.#isTimeRead && !this.#isAnythingRead && action >= 0;
    if (isShort) return where * appActions.length + action;
    let key = `${where} ${action < 0 ? question.action : action}`;
    // Attacker-controlled text is quoted, so that no two questions write the same key.
    if (this.#parts.length > 0) {
      const { request } = question;
      for (const part of this.#parts) key += ` ${JSON.stringify(request[part])}`;
    }
    if (this.#isTimeRead) key += ` ${Math.floor(time / 1000)}`;
    if (this.#isAnythingRead) key += ` ${this.#facts.changeSpan('anything').from}`;
    return key;
  }

  #freshPlaces(): AlikePlaces {
    return new AlikePlaces(this.#facts, { reads: this.#reads, policies: this.#policies });
  }

  #forgetWhatIsStale(): void {
    const { last } = this.#facts;
    if (this.#last === last && this.#answersCount < answersMax && this.#places.count < answersMax) return;
    this.#last = last;
    this.#answersCount = 0;
    this.#askers = new AlikeAskers(this.#facts, this.#reads);
    this.#places = this.#freshPlaces();
  }

  #judge(policies: PublishedPolicies, asked: { question: Question; as?: Subject }, now: number): AgainAnswer {
    this.judged += 1;
    const { answer, reasons } = judge({ view: this.#facts, policies, now, ...asked });
    return { isAllowed: answer === 'allow', reasons };
  }
}
