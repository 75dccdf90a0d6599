import { randomUUID } from 'node:crypto';
import type { GatewayChallenge } from '#shell/wire';
import type { AcmeChallenge } from '#trust/ca';

const challengesMax = 200;
/** How long a gateway may take to show a challenge. */
const shownMsMax = 30_000;

/** Challenges of one gateway's running ACME orders, between the order and that gateway, which shows them. */
export class ChallengeBoard {
  readonly #open = new Map<string, { challenge: GatewayChallenge; onShown: () => void }>();

  /** Puts a challenge up; resolves once the gateway said it shows it. Rejects when it does not in time. */
  async publish(challenge: AcmeChallenge): Promise<() => Promise<void>> {
    if (this.#open.size >= challengesMax) throw new Error(`over ${challengesMax} ACME challenges at once`);
    const id = randomUUID();
    const remove = async () => void this.#open.delete(id);
    const shown = Promise.withResolvers<void>();
    const tooLong = setTimeout(
      () => shown.reject(new Error('no gateway showed the ACME challenge in time')),
      shownMsMax,
    );
    this.#open.set(id, { challenge: { ...challenge, id }, onShown: shown.resolve });
    try {
      await shown.promise;
    } catch (error) {
      await remove();
      throw error;
    } finally {
      clearTimeout(tooLong);
    }
    return remove;
  }

  /** The gateway asks: `shown` are the ids it shows by now. */
  ask(shown: readonly string[]): readonly GatewayChallenge[] {
    for (const id of shown) this.#open.get(id)?.onShown();
    return [...this.#open.values()].map(({ challenge }) => challenge);
  }
}
