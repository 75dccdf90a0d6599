import {
  type Clock,
  type EntityUid,
  type FactKind,
  type FactOf,
  type MonotonicClock,
  type Question,
  Slots,
  type Verdict,
} from '#foundation/model';
import { entityKinds } from './fact-entities.ts';
import { grantPairUid } from './standing.ts';

/** Something that lasts and must end when the answer turns to no: a request, a WebSocket, an event stream. */
export interface LiveStream {
  readonly sessionId: string | null;
  readonly userId: string | null;
  /** Asked again as it was asked first. */
  readonly question: Question;
  /** As it was parsed, where the question has a route of it: which one that is may change while this lasts. */
  readonly path?: { readonly segments: readonly string[]; readonly hasEncodedSlash: boolean };
  /** Of the verdict that let it through. */
  readonly verdict: Pick<Verdict, 'read' | 'judgeAgainAt'>;
  /** Ends it. Called at most once, never after it was taken out. */
  cut(reason: CutReason): void;
}

export interface CutReason {
  readonly kind: 'session-ended' | 'user-suspended' | 'token-ended' | 'judged-again' | 'gate-closed';
  /** For the person and the log. */
  readonly words: readonly string[];
  /** The verdict that ended it, when there was one. */
  readonly verdict: Verdict | null;
}

/** A fact that changed: before and after, null where there is none. */
export interface FactChange<K extends FactKind = FactKind> {
  readonly kind: K;
  readonly id: string;
  readonly before: FactOf<K> | null | undefined;
  readonly after: FactOf<K> | null | undefined;
}

export interface LiveStreamNeeds {
  readonly clock: Clock;
  readonly monotonicClock: MonotonicClock;
  /** Answers a stream's question from the facts as they are now. A throw counts as no. */
  judge(stream: Pick<LiveStream, 'question' | 'path'>, now: number): Verdict;
  /** Do the policies in force read entities that they name themselves? Of these `read` says nothing. */
  readsNamed(): boolean;
  /** Lets other work run: resolves in a later turn of the event loop (`setImmediate`). */
  yieldTurn(): Promise<void>;
  /** Told when judging or cutting one stream threw; the others are gone through all the same. */
  onFault(error: unknown): void;
}

/** Judging again runs at most this long before other work gets its turn. */
export const sliceMsMax = 5;

interface Entry {
  readonly stream: LiveStream;
  /** Its place among all. */
  slot: number;
  read: readonly EntityUid[];
  /** Wall clock and monotonic time at which to judge again, whichever comes first: a clock set back gives no extra life. */
  dueAt: number;
  dueAtMonotonic: number;
}

type ChangedUids = Map<string, Set<string>>;

/**
 * All streams that are open in this process. Registering is cheap, because every request does it; work is done when
 * something changes. What belongs to ended sessions and suspended users is cut in the same turn; every other change judges
 * the streams whose verdict read it again, in slices.
 *
 * There is no index by session or user: maps whose entries come and go with every request, always under other names, leave dead tables in
 * V8's old generation, which keep all that was ever in them from being collected while it is young.
 */
export class LiveStreams {
  readonly #needs: LiveStreamNeeds;
  readonly #entries = new Slots<Entry>();
  #changed: ChangedUids = new Map();
  #allChanged = false;
  #running: Promise<void> | null = null;

  constructor(needs: LiveStreamNeeds) {
    this.#needs = needs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many are open by resource id; apps only. */
  countByApp(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { stream } of this.#entries) {
      const { type, id } = stream.question.resource;
      if (type === 'App') counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  }

  /** Adds a stream that a verdict let through. Returns what takes it out again; call it when the stream ends by itself. */
  register(stream: LiveStream): () => void {
    const entry: Entry = {
      stream,
      slot: -1,
      read: stream.verdict.read,
      dueAt: Number.POSITIVE_INFINITY,
      dueAtMonotonic: Number.POSITIVE_INFINITY,
    };
    if (stream.verdict.judgeAgainAt !== null) this.#setDue(entry, stream.verdict.judgeAgainAt);
    entry.slot = this.#entries.add(entry);
    return () => this.#remove(entry);
  }

  /** Ends everything at once: the lease is over, or the policies are gone. */
  cutAll(words: readonly string[]): void {
    this.cutWhere(() => true, words);
  }

  /** Ends the streams that may not go on while facts may be old: those to the most sensitive segments. */
  cutWhere(concerns: (stream: LiveStream) => boolean, words: readonly string[]): void {
    for (const entry of this.#entries) {
      if (concerns(entry.stream)) this.#cut(entry, { kind: 'gate-closed', words, verdict: null });
    }
  }

  /**
   * Call once the facts have changed, with what changed. Cuts ended sessions and suspended users before it returns;
   * the promise resolves when everything concerned has been judged again.
   */
  onFactsChanged(changes: readonly FactChange[]): Promise<void> {
    this.#cutEnded(changes);
    for (const change of changes) this.#note(change);
    return this.#judgeChanged();
  }

  /** Goes through all streams once, however many sessions and people it is about. */
  #cutEnded(changes: readonly FactChange[]): void {
    const endedIds = (kind: 'session' | 'user') =>
      new Set(changes.filter((change) => change.kind === kind && !isActive(change)).map(({ id }) => id));
    const [sessions, users] = [endedIds('session'), endedIds('user')];
    if (sessions.size + users.size === 0) return;
    for (const entry of this.#entries) {
      const { sessionId, userId } = entry.stream;
      if (sessionId !== null && sessions.has(sessionId)) {
        this.#cut(entry, { kind: 'session-ended', words: ['The session has ended.'], verdict: null });
      } else if (userId !== null && users.has(userId)) {
        this.#cut(entry, { kind: 'user-suspended', words: ['The account is suspended or gone.'], verdict: null });
      }
    }
  }

  /** Judges what is due by time. Call it several times a second. */
  async sweep(): Promise<void> {
    const now = this.#needs.clock();
    const monotonic = this.#needs.monotonicClock();
    const due: Entry[] = [];
    for (const entry of this.#entries) {
      if (now >= entry.dueAt || monotonic >= entry.dueAtMonotonic) due.push(entry);
    }
    await this.#judgeAll(due);
  }

  #note(change: FactChange): void {
    const { kind } = change;
    if (kind === 'publication' || (this.#needs.readsNamed() && entityKinds.has(kind))) this.#allChanged = true;
    for (const uid of uidsOf(change)) {
      const ids = this.#changed.get(uid.type);
      if (ids === undefined) this.#changed.set(uid.type, new Set([uid.id]));
      else ids.add(uid.id);
    }
  }

  #judgeChanged(): Promise<void> {
    // Changes that come while a run lasts are taken up by its next round, so the promise covers them too.
    this.#running ??= this.#runRounds().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #runRounds(): Promise<void> {
    while (this.#allChanged || this.#changed.size > 0) {
      const changed = this.#changed;
      const isAll = this.#allChanged;
      this.#changed = new Map();
      this.#allChanged = false;
      const concerned: Entry[] = [];
      for (const entry of this.#entries) {
        if (isAll || entry.read.some(({ type, id }) => changed.get(type)?.has(id) === true)) concerned.push(entry);
      }
      await this.#judgeAll(concerned);
    }
  }

  async #judgeAll(entries: readonly Entry[]): Promise<void> {
    let sliceEnds = this.#needs.monotonicClock() + sliceMsMax;
    for (const entry of entries) {
      this.#judgeAgain(entry);
      if (this.#needs.monotonicClock() < sliceEnds) continue;
      await this.#needs.yieldTurn();
      sliceEnds = this.#needs.monotonicClock() + sliceMsMax;
    }
  }

  #judgeAgain(entry: Entry): void {
    if (!this.#entries.has(entry.slot, entry)) return;
    let verdict: Verdict | null = null;
    try {
      verdict = this.#needs.judge(entry.stream, this.#needs.clock());
    } catch (error) {
      this.#needs.onFault(error);
    }
    if (verdict?.answer !== 'allow') {
      const words = verdict?.words ?? ['The request could not be judged again.'];
      this.#cut(entry, { kind: 'judged-again', words, verdict });
      return;
    }
    entry.read = verdict.read;
    entry.dueAt = Number.POSITIVE_INFINITY;
    entry.dueAtMonotonic = Number.POSITIVE_INFINITY;
    if (verdict.judgeAgainAt !== null) this.#setDue(entry, verdict.judgeAgainAt);
  }

  #setDue(entry: Entry, judgeAgainAt: number): void {
    entry.dueAt = judgeAgainAt;
    entry.dueAtMonotonic = this.#needs.monotonicClock() + Math.max(0, judgeAgainAt - this.#needs.clock());
  }

  #cut(entry: Entry, reason: CutReason): void {
    if (!this.#remove(entry)) return;
    try {
      entry.stream.cut(reason);
    } catch (error) {
      this.#needs.onFault(error);
    }
  }

  #remove(entry: Entry): boolean {
    return this.#entries.delete(entry.slot, entry);
  }
}

function isActive({ after }: FactChange): boolean {
  return (after as FactOf<'session' | 'user'> | null | undefined)?.status === 'active';
}

const uidTypes: Partial<Record<FactKind, string>> = {
  user: 'User',
  group: 'Group',
  segment: 'Segment',
  resource: 'App',
  session: 'Session',
  token: 'Token',
  grant: 'Grant',
};

/** Which entities, as verdicts name them in `read`, a change touches. */
function uidsOf(change: FactChange): EntityUid[] {
  const type = uidTypes[change.kind];
  if (type === undefined) return [];
  const uids: EntityUid[] = [{ type, id: change.id }];
  if (change.kind === 'grant') {
    for (const body of [change.before, change.after] as (FactOf<'grant'> | null | undefined)[]) {
      if (body != null) uids.push(grantPairUid(body.user, body.resource));
    }
  }
  return uids;
}
