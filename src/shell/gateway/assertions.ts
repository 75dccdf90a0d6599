import { type CallControl, ControlError } from './control-client.ts';

const assertionsCachedMax = 50_000;
/** Renew this long before it runs out: what is left is how long people go on while control is away. */
const assertionRenewMs = 30_000;
/** An upstream never sees one that is about to run out. */
const assertionLeftMsMin = 1_000;

interface Cached {
  readonly jwt: string;
  readonly expiresAt: number;
  readonly version: string;
  readonly keyId: string;
}

/**
 * Keeps one `Nullius-Assertion` per session and resource. `version` names the facts it speaks about (the revisions of
 * session and user): when they change, a new one is fetched. Control and signer make it; it lives at most 60 s.
 */
export class Assertions {
  readonly #cached = new Map<string, Cached>();
  readonly #pending = new Map<string, Promise<Cached>>();
  readonly #call: CallControl;
  readonly #clock: () => number;

  constructor(call: CallControl, clock: () => number) {
    this.#call = call;
    this.#clock = clock;
  }

  /** A cached JWT now, or a promise of a fresh one. Throws ControlError when control cannot make one. */
  get(sessionId: string, about: { resource: string; version: string }): string | Promise<string> {
    const key = `${sessionId} ${about.resource}`;
    const cached = this.#cached.get(key);
    if (
      cached !== undefined &&
      cached.version === about.version &&
      cached.expiresAt - assertionRenewMs > this.#clock()
    ) {
      return cached.jwt;
    }
    return this.#fetch(key, { sessionId, ...about }).then(
      (fresh) => fresh.jwt,
      (error: unknown) => {
        const isAway = error instanceof ControlError && error.code === 'unreachable';
        const isGood = cached?.version === about.version && cached.expiresAt - assertionLeftMsMin > this.#clock();
        if (isAway && isGood) return cached.jwt;
        throw error;
      },
    );
  }

  /** Forgets what was signed by any other key: after a leak, apps no longer believe it. */
  keepSignedBy(keyIds: readonly string[]): void {
    const kept = new Set(keyIds);
    for (const [key, { keyId }] of this.#cached) if (!kept.has(keyId)) this.#cached.delete(key);
  }

  #fetch(key: string, about: { sessionId: string; resource: string; version: string }): Promise<Cached> {
    const pendingKey = `${key} ${about.version}`;
    const pending = this.#pending.get(pendingKey);
    if (pending !== undefined) return pending;
    const fresh = this.#call('assertion', { sessionId: about.sessionId, resource: about.resource })
      .then((answer): Cached => {
        const cached = {
          jwt: answer.jwt,
          expiresAt: answer.expiresAt,
          version: about.version,
          keyId: keyIdOf(answer.jwt),
        };
        if (this.#cached.size >= assertionsCachedMax) this.#cached.clear();
        this.#cached.set(key, cached);
        return cached;
      })
      .finally(() => this.#pending.delete(pendingKey));
    this.#pending.set(pendingKey, fresh);
    return fresh;
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
