import { sealKeyBytes } from '#foundation/crypto';
import { toBase64url } from '#foundation/encoding';
import { IdentityError } from '#information/identity';
import type { FactTable } from '#information/inventory';
import type { SignerClient } from '#shell/signer-client';
import type { EnrolmentAnswer } from '#shell/wire';
import { CaError } from '#trust/ca';
import { grantDurationMsDefault } from './api/groups/grants.ts';
import { requestGrant } from './api/groups/me.ts';
import { ApiProblem, problem } from './api/problem.ts';
import type { ApiServices } from './api/services.ts';
import type { CertificateCalls } from './certificates/issue-certificates.ts';
import { describeFault } from './describe-fault.ts';
import type { GatewayReports } from './gateway-reports.ts';
import type { CallProblem, GatewayCallHandlers } from './gateway-socket.ts';
import { forAppsOnly } from './gateways/apps-only.ts';
import type { JournalCopies } from './gateways/journal-copies.ts';
import type { IdentityCalls } from './identity/index.ts';
import { keptSecret } from './kept-secret.ts';

/** Names the secret in the store. */
const pageKeyName = 'pdp/page-key';

/** Everything a gateway may ask of control. */
export function createGatewayCalls(needs: {
  readonly identity: IdentityCalls;
  readonly certificates: CertificateCalls;
  readonly services: ApiServices;
  readonly facts: FactTable;
  readonly signer: SignerClient;
  readonly reports: GatewayReports;
  readonly tokenKeyIds: () => readonly string[];
  readonly journals: JournalCopies;
  readonly renew: (gateway: string, csrPem: string) => Promise<EnrolmentAnswer>;
}): GatewayCallHandlers {
  const { services, facts, signer } = needs;
  let drawing: Promise<Uint8Array> | undefined;
  // Two gateways that ask at the same time get the same.
  const pageKey = async () => {
    drawing ??= keptSecret(services.store, pageKeyName, sealKeyBytes);
    try {
      return await drawing;
    } catch (error) {
      drawing = undefined;
      throw error;
    }
  };
  return {
    ...forAppsOnly(needs.identity, facts),
    report: async (report, { name }) => {
      needs.reports.note(name, report);
      return { tokenKeyIds: needs.tokenKeyIds() };
    },
    'grant/request': async ({ sessionId, resource, reason }) => {
      const session = facts.get('session', sessionId);
      const user = session === undefined ? undefined : facts.get('user', session.user);
      if (session === undefined || user === undefined || session.status !== 'active')
        throw problem(409, 'session-ended', 'sign in first');
      const caller = {
        asker: { kind: 'session', sessionId },
        uid: { type: 'User', id: session.user },
        user: { id: session.user, body: user },
        sessionId,
        tokenId: null,
        isOperator: false,
        address: '',
        correlationId: null,
      } as const;
      return {
        grantId: await requestGrant(services, caller, { resource, reason, durationMs: grantDurationMsDefault }),
      };
    },
    ...needs.certificates,
    'gateway/renew': async ({ csrPem }, { name }) => needs.renew(name, csrPem),
    'pdp/page-key': async () => ({ key: toBase64url(await pageKey()) }),
    'journal/checkpoint': async (statement, { name }) => {
      // Each signs for its own journal: nobody else can put another end to it.
      if (statement.writer !== name)
        throw problem(403, 'other-writer', `the gateway \`${name}\` has checkpoints of its own journal only`);
      const { jws } = await signer.call('sign-statement', { purpose: 'checkpoint', statement });
      return { note: jws };
    },
    'journal/ship': (shipment, { name }) => needs.journals.ship(name, shipment),
  };
}

/** Errors that may be shown to the gateway, and through it to people. */
export function describeCallError(error: unknown): CallProblem | undefined {
  if (error instanceof ApiProblem) return error.details;
  if (error instanceof IdentityError) return { status: error.status, code: error.code, detail: error.message };
  if (error instanceof CaError) return { status: 502, code: error.code, detail: error.message };
  return describeFault(error);
}
