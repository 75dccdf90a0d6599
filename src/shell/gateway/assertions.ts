import { KeptFields } from '#enforcement/gateway';
import { assertionsPerCallMax } from '#shell/wire';
import type { Bearer } from './bearer.ts';
import { type CallControl, ControlError } from './control-client.ts';

/** Renew this long before it runs out: what is left is how long people go on while control is away. */
const assertionRenewMs = 30_000;
/** With this much left the one at hand is sent while the next one is made. */
const assertionSendMs = 10_000;
/** An upstream never sees one that is about to run out. */
const assertionLeftMsMin = 1_000;
const callsAtOnceMax = 2;
/** Assertions of one queue that are not asked for yet; more are refused. */
const waitingMax = 10_000;
/** Those that nobody waits for gather so long, unless they fill a call before: a call costs as much as several of them. */
const gatherMs = 1_000;

/** One of our token keys, shared by all that it signed: `isGood` until control no longer names it. */
interface TokenKey {
  isGood: boolean;
}

interface Made {
  readonly fields: KeptFields;
  readonly expiresAt: number;
  readonly key: TokenKey;
}

/** For one bearer and resource: the newest, and the one that is being made. */
export interface KeptAssertion {
  made: Made | undefined;
  coming: Promise<Made> | undefined;
}

interface Waiting {
  readonly about: { readonly sessionId: string; readonly resource: string };
  readonly resolve: (made: Made) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Keeps one `Nullius-Assertion` for each resource with each bearer, until session or user change. Control and signer make it; it lives at most
 * 60 s. Those that are wanted at about the same time are asked for together, and those that a request waits for come first.
 */
export class Assertions {
  readonly #keys = new Map<string, TokenKey>();
  /** Requests wait for these. */
  readonly #urgent: Waiting[] = [];
  /** These take the place of what is still sent meanwhile. */
  readonly #renewals: Waiting[] = [];
  #callCount = 0;
  #isTurnEndAwaited = false;
  #gathering: NodeJS.Timeout | undefined;
  /** Have the renewals gathered long enough? */
  #areRenewalsDue = false;
  readonly #call: CallControl;
  readonly #clock: () => number;

  constructor(call: CallControl, clock: () => number) {
    this.#call = call;
    this.#clock = clock;
  }

  /** One at hand, or a promise of a fresh one, as the field that apps get. Throws ControlError when control cannot make one. */
  get(bearer: Pick<Bearer, 'sessionId' | 'at'>, resource: string): KeptFields | Promise<KeptFields> {
    const kept = bearer.at(resource).assertion;
    const good = kept.made?.key.isGood === true ? kept.made : undefined;
    const leftMs = good === undefined ? 0 : good.expiresAt - this.#clock();
    if (good !== undefined && leftMs > assertionRenewMs) return good.fields;
    const about = { sessionId: bearer.sessionId, resource };
    if (good !== undefined && leftMs > assertionSendMs) {
      if (kept.coming === undefined) this.#renew(kept, { about, from: this.#renewals }).catch(() => {});
      return good.fields;
    }
    // It may be gathering since it was no more than a renewal.
    if (kept.coming !== undefined) this.#hurryRenewals();
    return this.#renew(kept, { about, from: this.#urgent }).then(
      ({ fields }) => fields,
      (error: unknown) => {
        const isAway = error instanceof ControlError && error.code === 'unreachable';
        if (isAway && good !== undefined && good.expiresAt - assertionLeftMsMin > this.#clock()) return good.fields;
        throw error;
      },
    );
  }

  /** What any other key signed is sent no more: after a leak, apps no longer believe it. */
  keepSignedBy(keyIds: readonly string[]): void {
    for (const [id, key] of this.#keys) {
      if (keyIds.includes(id)) continue;
      key.isGood = false;
      this.#keys.delete(id);
    }
  }

  /** Has it made in its turn of a queue, unless it is being made already. */
  #renew(kept: KeptAssertion, { about, from }: { about: Waiting['about']; from: Waiting[] }): Promise<Made> {
    kept.coming ??= this.#ask(about, from)
      .then((made) => {
        kept.made = made;
        return made;
      })
      .finally(() => {
        kept.coming = undefined;
      });
    return kept.coming;
  }

  #ask(about: Waiting['about'], queue: Waiting[]): Promise<Made> {
    return new Promise((resolve, reject) => {
      if (queue.length >= waitingMax) {
        reject(new ControlError('unreachable', { message: 'too many requests wait for an assertion' }));
        return;
      }
      queue.push({ about, resolve, reject });
      if (queue === this.#urgent || queue.length >= assertionsPerCallMax) this.#sendAtTurnEnd();
      else this.#gathering ??= setTimeout(() => this.#hurryRenewals(), gatherMs).unref();
    });
  }

  #hurryRenewals(): void {
    this.#areRenewalsDue = this.#renewals.length > 0;
    this.#sendAtTurnEnd();
  }

  /** All that one turn of the event loop brings goes in one call, and renewals go along. */
  #sendAtTurnEnd(): void {
    if (this.#isTurnEndAwaited) return;
    this.#isTurnEndAwaited = true;
    setImmediate(() => {
      this.#isTurnEndAwaited = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#callCount < callsAtOnceMax && this.#hasCall()) {
      const batch = this.#urgent.splice(0, assertionsPerCallMax);
      batch.push(...this.#renewals.splice(0, assertionsPerCallMax - batch.length));
      this.#callCount += 1;
      void this.#fulfil(batch).finally(() => {
        this.#callCount -= 1;
        this.#send();
      });
    }
    if (this.#renewals.length > 0) return;
    this.#areRenewalsDue = false;
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
  }

  #hasCall(): boolean {
    if (this.#urgent.length > 0 || this.#renewals.length >= assertionsPerCallMax) return true;
    return this.#areRenewalsDue && this.#renewals.length > 0;
  }

  async #fulfil(batch: readonly Waiting[]): Promise<void> {
    try {
      const { made } = await this.#call('assertions', { asked: batch.map(({ about }) => about) });
      for (const [index, { resolve, reject }] of batch.entries()) {
        const answer = made[index];
        if (answer !== undefined && 'jwt' in answer) {
          const { jwt, expiresAt } = answer;
          try {
            resolve({ fields: new KeptFields('nullius-assertion', jwt), expiresAt, key: this.#keyOf(jwt) });
          } catch (error) {
            // Of this one alone: the others are good.
            reject(error);
          }
        } else {
          const { refused: message, status } = answer ?? { refused: 'control answered too little', status: 500 };
          reject(new ControlError('refused', { message, status }));
        }
      }
    } catch (error) {
      // Who waits behind a call that control did not answer would wait as long again, and in vain.
      const isAway = error instanceof ControlError && error.code === 'unreachable';
      const behind = isAway ? [...this.#urgent.splice(0), ...this.#renewals.splice(0)] : [];
      for (const { reject } of [...batch, ...behind]) reject(error);
    }
  }

  #keyOf(jwt: string): TokenKey {
    const id = keyIdOf(jwt);
    let key = this.#keys.get(id);
    if (key === undefined) {
      key = { isGood: true };
      this.#keys.set(id, key);
    }
    return key;
  }
}

/** Of our own control's JWT; empty when it names none, which no key has. */
function keyIdOf(jwt: string): string {
  try {
    const header: unknown = JSON.parse(Buffer.from(jwt.split('.', 1)[0] ?? '', 'base64url').toString('utf8'));
    const { kid } = header as { kid?: unknown };
    return typeof kid === 'string' ? kid : '';
  } catch {
    return '';
  }
}
