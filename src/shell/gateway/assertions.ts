import { assertionsPerCallMax } from '#shell/wire';
import { type CallControl, ControlError } from './control-client.ts';

const assertionsCachedMax = 50_000;
/** Renew this long before it runs out: what is left is how long people go on while control is away. */
const assertionRenewMs = 30_000;
/** With this much left the one at hand is sent while the next one is made. */
const assertionSendMs = 10_000;
/** An upstream never sees one that is about to run out. */
const assertionLeftMsMin = 1_000;
const callsAtOnceMax = 2;
const waitingMax = 10_000;

interface Cached {
  readonly jwt: string;
  readonly expiresAt: number;
  readonly version: string;
  readonly keyId: string;
}

interface About {
  readonly sessionId: string;
  readonly resource: string;
  readonly version: string;
}

interface Waiting {
  readonly about: About;
  readonly resolve: (made: Cached) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Keeps one `Nullius-Assertion` per session and resource. `version` names the facts it speaks about (the revisions of
 * session and user): when they change, a new one is fetched. Control and signer make it; it lives at most 60 s. Those that are wanted
 * at about the same time are asked for together.
 */
export class Assertions {
  readonly #cached = new Map<string, Cached>();
  readonly #pending = new Map<string, Promise<Cached>>();
  #waiting: Waiting[] = [];
  #callCount = 0;
  #isDue = false;
  readonly #call: CallControl;
  readonly #clock: () => number;

  constructor(call: CallControl, clock: () => number) {
    this.#call = call;
    this.#clock = clock;
  }

  /** A cached JWT now, or a promise of a fresh one. Throws ControlError when control cannot make one. */
  get(sessionId: string, { resource, version }: { resource: string; version: string }): string | Promise<string> {
    const key = `${sessionId} ${resource}`;
    const cached = this.#cached.get(key);
    const good = cached?.version === version ? cached : undefined;
    const leftMs = good === undefined ? 0 : good.expiresAt - this.#clock();
    if (good !== undefined && leftMs > assertionRenewMs) return good.jwt;
    const fresh = this.#fetch(key, { sessionId, resource, version });
    if (good !== undefined && leftMs > assertionSendMs) {
      fresh.catch(() => {});
      return good.jwt;
    }
    return fresh.then(
      ({ jwt }) => jwt,
      (error: unknown) => {
        const isAway = error instanceof ControlError && error.code === 'unreachable';
        if (isAway && good !== undefined && good.expiresAt - assertionLeftMsMin > this.#clock()) return good.jwt;
        throw error;
      },
    );
  }

  /** Forgets what was signed by any other key: after a leak, apps no longer believe it. */
  keepSignedBy(keyIds: readonly string[]): void {
    const kept = new Set(keyIds);
    for (const [key, { keyId }] of this.#cached) if (!kept.has(keyId)) this.#cached.delete(key);
  }

  #fetch(key: string, about: About): Promise<Cached> {
    const pendingKey = `${key} ${about.version}`;
    const pending = this.#pending.get(pendingKey);
    if (pending !== undefined) return pending;
    const fresh = this.#ask(about)
      .then((made) => {
        if (this.#cached.size >= assertionsCachedMax) this.#cached.clear();
        this.#cached.set(key, made);
        return made;
      })
      .finally(() => this.#pending.delete(pendingKey));
    this.#pending.set(pendingKey, fresh);
    return fresh;
  }

  #ask(about: About): Promise<Cached> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= waitingMax) {
        reject(new ControlError('unreachable', { message: 'too many requests wait for an assertion' }));
        return;
      }
      this.#waiting.push({ about, resolve, reject });
      if (this.#isDue) return;
      this.#isDue = true;
      // All that one turn of the event loop brings goes in one call.
      setImmediate(() => {
        this.#isDue = false;
        this.#send();
      });
    });
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#callCount < callsAtOnceMax) {
      const batch = this.#waiting.splice(0, assertionsPerCallMax);
      this.#callCount += 1;
      void this.#fulfil(batch).finally(() => {
        this.#callCount -= 1;
        this.#send();
      });
    }
  }

  async #fulfil(batch: readonly Waiting[]): Promise<void> {
    try {
      const asked = batch.map(({ about: { sessionId, resource } }) => ({ sessionId, resource }));
      const { made } = await this.#call('assertions', { asked });
      for (const [index, { about, resolve, reject }] of batch.entries()) {
        const answer = made[index];
        if (answer !== undefined && 'jwt' in answer) {
          const { jwt, expiresAt } = answer;
          resolve({ jwt, expiresAt, version: about.version, keyId: keyIdOf(jwt) });
        } else {
          const { refused: message, status } = answer ?? { refused: 'control answered too little', status: 500 };
          reject(new ControlError('refused', { message, status }));
        }
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
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
