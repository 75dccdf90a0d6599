import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { equalSecrets, keyHashOf, sha256Base64url } from '#foundation/crypto';
import type { GatewayFact } from '#foundation/model';
import type { SignerClient } from '#shell/signer-client';
import type { EnrolmentAnswer } from '#shell/wire';
import type { Caller } from '../api/caller.ts';
import { change } from '../api/change.ts';
import { problem } from '../api/problem.ts';
import type { ApiServices } from '../api/services.ts';

/** Wrong secrets one address may show in a row, and how soon it may try again. */
const triesMax = 5;
const triesRefillMs = 60_000;
const addressesMax = 10_000;

const requestSchema = z.strictObject({
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  csrPem: z.string().max(16_384),
});

export interface EnrolNeeds {
  readonly services: ApiServices;
  readonly signer: SignerClient;
}

/** Lets gateways in by their one-time secret. Everything they send is attacker-controlled. */
export class Enrolment {
  readonly #needs: EnrolNeeds;
  readonly #tries = new Map<string, { left: number; at: number }>();

  constructor(needs: EnrolNeeds) {
    this.#needs = needs;
  }

  /** Throws ApiProblem; a wrong secret, a used one and one that is over look alike. */
  async enrol(body: unknown, address: string): Promise<EnrolmentAnswer> {
    const { services, signer } = this.#needs;
    this.#spend(address);
    const parsed = requestSchema.safeParse(body);
    const name = parsed.success ? this.#invited(parsed.data.secret) : undefined;
    if (!parsed.success || name === undefined)
      throw problem(
        401,
        'bad-token',
        'this enrolment token is wrong, used or over; make another with `nullius gateway add`',
      );
    let answer: EnrolmentAnswer | undefined;
    await change(services, gatewayCaller(name, address), {
      activity: 'update',
      message: `gateway ${name} joined`,
      severity: 'high',
      entity: { type: 'gateway', uid: name },
      prepare: async () => {
        const standing = services.facts.standing('gateway', name);
        // Once more inside the queue of changes: of two that come at once, one finds the secret used.
        if (standing === undefined || this.#invited(parsed.data.secret) !== name)
          throw problem(401, 'bad-token', 'this enrolment token is wrong, used or over');
        const { chainPem, keyHash } = await issueTo(signer, { csrPem: parsed.data.csrPem, name });
        answer = { name, chainPem, ...(await this.#knowledge()) };
        const joined: GatewayFact = {
          ...standing.body,
          status: 'active',
          keyHash,
          enrolment: null,
          joinedAt: services.clock(),
        };
        return [{ kind: 'gateway', id: name, body: joined, expectedRevision: standing.revision }];
      },
    });
    if (answer === undefined) throw new Error('the change was made without an answer');
    this.#tries.delete(address);
    return answer;
  }

  /** A fresh certificate over the same key, for a gateway that showed its present one. */
  async renew(name: string, csrPem: string): Promise<EnrolmentAnswer> {
    const { services, signer } = this.#needs;
    const { chainPem, keyHash } = await issueTo(signer, { csrPem, name });
    if (services.facts.get('gateway', name)?.keyHash !== keyHash)
      throw problem(403, 'other-key', 'a gateway renews the certificate of the key it joined with');
    return { name, chainPem, ...(await this.#knowledge()) };
  }

  async #knowledge() {
    const { statement, peerCaPem } = await this.#needs.signer.call('keys', {});
    const { urls } = this.#needs.services;
    return { caPem: peerCaPem, statementKeys: statement, urls };
  }

  #invited(secret: string): string | undefined {
    const { facts, clock } = this.#needs.services;
    const hash = sha256Base64url(secret);
    let found: string | undefined;
    for (const [name, { enrolment }] of facts.all('gateway')) {
      if (enrolment !== null && enrolment.expiresAt > clock() && equalSecrets(enrolment.hash, hash)) found = name;
    }
    return found;
  }

  #spend(address: string): void {
    const now = this.#needs.services.clock();
    const known = this.#tries.get(address) ?? { left: triesMax, at: now };
    const left = Math.min(triesMax, known.left + Math.max(0, now - known.at) / triesRefillMs);
    if (left < 1) throw problem(429, 'too-many', 'too many wrong tokens from this address; wait some minutes');
    if (this.#tries.size >= addressesMax) this.#tries.clear();
    this.#tries.set(address, { left: left - 1, at: now });
  }
}

async function issueTo(signer: SignerClient, request: { csrPem: string; name: string }) {
  const { chainPem } = await signer.call('issue-peer-certificate', { ...request, role: 'gateway' }).catch((error) => {
    throw error instanceof Error && 'code' in error && error.code === 'refused'
      ? problem(400, 'bad-request', 'the certificate request was refused')
      : error;
  });
  return { chainPem, keyHash: keyHashOf(new X509Certificate(chainPem)) };
}

function gatewayCaller(name: string, address: string): Caller {
  return {
    asker: { kind: 'anonymous' },
    uid: { type: 'Workload', id: `gateway ${name}` },
    user: null,
    sessionId: null,
    tokenId: null,
    isOperator: false,
    address,
    correlationId: null,
  };
}
