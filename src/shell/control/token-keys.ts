import type { JSONWebKeySet } from 'jose';
import type { SignerClient } from '#shell/signer-client';
import type { SignerCalls } from '#shell/wire';

/** A key that was announced begins to sign at the signer by itself: keys are asked for again this often. */
const refreshMs = 15_000;

type Keys = SignerCalls['keys']['answer'];

/** The signer's public keys as this process uses them, kept current while it runs. */
export class TokenKeys {
  readonly #signer: SignerClient;
  readonly #listeners = new Set<(keys: Keys) => void>();
  readonly #timer: NodeJS.Timeout;
  #keys: Keys;

  constructor(keys: Keys, { signer, onError }: { signer: SignerClient; onError: (error: unknown) => void }) {
    this.#keys = keys;
    this.#signer = signer;
    this.#timer = setInterval(() => void this.refresh().catch(onError), refreshMs);
    this.#timer.unref();
  }

  get jwks(): JSONWebKeySet {
    return { keys: [...this.#keys.token] };
  }

  get keyIds(): string[] {
    return this.#keys.token.flatMap(({ kid }) => (kid === undefined ? [] : [kid]));
  }

  onChange(listener: (keys: Keys) => void): void {
    this.#listeners.add(listener);
  }

  /** Takes the keys as they are now; who listens has taken them when this resolves. */
  async refresh(): Promise<Keys> {
    return this.#take(await this.#signer.call('keys', {}));
  }

  async rotate(request: SignerCalls['rotate-token-key']['request']): Promise<Keys> {
    return this.#take(await this.#signer.call('rotate-token-key', request));
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #take(keys: Keys): Keys {
    this.#keys = keys;
    for (const listener of this.#listeners) listener(keys);
    return keys;
  }
}
