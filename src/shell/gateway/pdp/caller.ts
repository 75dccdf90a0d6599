import { hash } from 'node:crypto';
import type { ClientCertificate, GatewayRequest } from '#enforcement/gateway';
import type { EntityUid, FactView, Question, Token, Verdict } from '#foundation/model';
import { hashForKey, type PdpScope, readPdpScope } from '#foundation/model';

/** An enforcement point that has shown who it is. */
export interface Caller {
  readonly tokenId: string;
  readonly token: Token;
  readonly owner: EntityUid;
  readonly scope: PdpScope;
}

/** Why a call is not even looked at. */
export interface CallerRefusal {
  readonly status: 401 | 403;
  readonly words: string;
}

interface Known {
  readonly epoch: number;
  readonly revision: number;
  readonly policies: unknown;
  readonly until: number;
  readonly token: Token;
  readonly outcome: Caller | CallerRefusal;
}

const knownMax = 10_000;
const unauthenticated: CallerRefusal = {
  status: 401,
  words:
    'The caller has no valid token. Send `Authorization: Bearer <token>`; `nullius token create --scope pdp:app:<name>` makes one. Where `listen.pdpTls` listens, a certificate that it was told of does as well.',
};

/** By what a caller shows itself, attacker-controlled but for the certificate's key, which the handshake proved. */
interface Shown {
  readonly authorization: string | null;
  readonly certificate?: ClientCertificate | undefined;
  readonly now: number;
}

/**
 * Establishes who calls the PDP. A token is found by the hash of its value, so that no secret is compared byte by byte, or by the key of
 * the certificate that the connection was opened with (RFC 8705 section 2.2: pinned, whoever issued it). Its scopes
 * must speak of the PDP, and policy must let its owner ask (`administer-read` of `pdp`); that answer is kept until facts, policies
 * or its own time end it.
 */
export class Callers {
  readonly #facts: FactView;
  readonly #judge: (question: Question, now: number) => Verdict;
  readonly #policies: () => unknown;
  readonly #known = new Map<string, Known>();
  readonly #used = new Map<string, number>();

  constructor(needs: {
    facts: FactView;
    judge: (question: Question, now: number) => Verdict;
    policies: () => unknown;
  }) {
    this.#facts = needs.facts;
    this.#judge = needs.judge;
    this.#policies = needs.policies;
  }

  /** Times of the last call, by token. */
  get lastUse(): ReadonlyMap<string, number> {
    return this.#used;
  }

  identify(request: GatewayRequest, shown: Shown): Caller | CallerRefusal {
    const { now } = shown;
    const tokenHash = hashShown(shown);
    const found = tokenHash === undefined ? undefined : this.#facts.tokenByHash(tokenHash);
    if (found === undefined || found.body.status !== 'active' || now >= found.body.expiresAt) return unauthenticated;
    const { epoch, revision } = this.#facts;
    const key = `${found.id} ${request.address}`;
    const known = this.#known.get(key);
    const isSame = known?.epoch === epoch && known.revision === revision && known.policies === this.#policies();
    if (known !== undefined && isSame && now < known.until && known.token === found.body)
      return this.#note(known.outcome, now);
    const { outcome, until } = this.#decide(request, { ...found, now });
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.set(key, { epoch, revision, policies: this.#policies(), until, token: found.body, outcome });
    return this.#note(outcome, now);
  }

  #note(outcome: Caller | CallerRefusal, now: number): Caller | CallerRefusal {
    if ('tokenId' in outcome) this.#used.set(outcome.tokenId, now);
    return outcome;
  }

  #decide(
    request: GatewayRequest,
    { id, body, now }: { id: string; body: Token; now: number },
  ): { outcome: Caller | CallerRefusal; until: number } {
    const until = body.expiresAt;
    const scope = readPdpScope(body.scopes);
    if (scope === null) {
      const words = 'This token has no scope for the PDP, such as `pdp:app:<name>`; make one that has.';
      return { outcome: { status: 403, words }, until };
    }
    const question: Question = {
      asker: { kind: 'token', tokenId: id },
      action: 'administer-read',
      resource: { type: 'Service', id: 'control' },
      request: {
        method: request.method,
        host: request.host,
        path: request.path,
        route: 'default',
        address: request.address,
        tls: request.tls,
        noun: 'pdp',
      },
    };
    const verdict = this.#judge(question, now);
    const ends = Math.min(until, verdict.judgeAgainAt ?? until);
    if (verdict.answer !== 'allow') {
      const words = 'Policy does not let the owner of this token ask the PDP (`administer-read` of `pdp`).';
      return { outcome: { status: 403, words }, until: ends };
    }
    return { outcome: { tokenId: id, token: body, owner: body.owner, scope }, until: ends };
  }
}

/** The hash to look for. Whoever sends `Authorization` is judged by that alone: a token that ended is not made good by a certificate. */
function hashShown({ authorization, certificate, now }: Shown): string | undefined {
  if (authorization !== null) {
    const value = bearerOf(authorization);
    return value === undefined ? undefined : hash('sha256', value, 'base64url');
  }
  if (certificate === undefined || now < certificate.validFrom || now > certificate.validTo) return undefined;
  return hashForKey(certificate.keyHash);
}

/** RFC 6750 section 2.1; the scheme in any case. */
function bearerOf(authorization: string): string | undefined {
  const space = authorization.indexOf(' ');
  if (authorization.slice(0, space).toLowerCase() !== 'bearer') return undefined;
  const value = authorization.slice(space + 1);
  return value === '' || value.includes(' ') ? undefined : value;
}
