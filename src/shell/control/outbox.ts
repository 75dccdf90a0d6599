import type { JournalEvent } from '#foundation/model';
import type { Store } from '../store/index.ts';

export interface OutboxNeeds {
  readonly store: Pick<Store, 'outboxPending' | 'outboxDone'>;
  /** Brings the facts that `append` looks at to what is committed: the key of a person who was made just now is among them. */
  readonly refresh: () => Promise<void>;
  readonly append: (event: JournalEvent, options: { readonly isReserved: boolean }) => Promise<void>;
  readonly has: (id: string) => Promise<boolean>;
}

/**
 * Carries committed events from the store's outbox into the journal, in order. Deliveries follow one another, so that no event is
 * appended twice; one that crashed between append and acknowledgement is recognised by its id at the next start.
 */
export class Outbox {
  readonly #needs: OutboxNeeds;
  #last: Promise<void> = Promise.resolve();
  /** In the journal, while the store could not be told so yet: they are not appended again. */
  readonly #appended = new Set<string>();

  constructor(needs: OutboxNeeds) {
    this.#needs = needs;
  }

  /** At start-up: appends what a crash left, skipping what is in the journal already. Gives how many were appended. */
  async replay(): Promise<number> {
    let appended = 0;
    for (;;) {
      const pending = await this.#pending();
      if (pending.length === 0) return appended;
      for (const event of pending) {
        if (await this.#needs.has(event.id)) continue;
        await this.#needs.append(event, { isReserved: true });
        appended += 1;
      }
      await this.#needs.store.outboxDone(pending.map((event) => event.id));
    }
  }

  /** Resolves when every event that was committed before this call is in the journal; rejects when one cannot be written. */
  deliver(): Promise<void> {
    const delivery = this.#last.catch(() => {}).then(() => this.#deliverAll());
    this.#last = delivery;
    return delivery;
  }

  /** Events that were committed, and by then so were the keys that they are sealed with. */
  async #pending(): Promise<readonly JournalEvent[]> {
    const pending = await this.#needs.store.outboxPending();
    if (pending.length > 0) await this.#needs.refresh();
    return pending;
  }

  async #append(event: JournalEvent): Promise<void> {
    await this.#needs.append(event, { isReserved: true });
    this.#appended.add(event.id);
  }

  async #deliverAll(): Promise<void> {
    for (;;) {
      const pending = await this.#pending();
      if (pending.length === 0) return;
      // Appended together: they share one write and one sync.
      const missing = pending.filter(({ id }) => !this.#appended.has(id));
      await Promise.all(missing.map((event) => this.#append(event)));
      const ids = pending.map((event) => event.id);
      await this.#needs.store.outboxDone(ids);
      for (const id of ids) this.#appended.delete(id);
    }
  }
}
