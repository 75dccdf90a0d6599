import type { RequestListener, Server } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { listenOnSocket } from '#shell/child';
import type { SignerClient } from '#shell/signer-client';
import type { ControlHandoff } from '#shell/wire';
import { writeAdminToken } from './admin-token.ts';
import type { Caller } from './api/caller.ts';
import { createApi } from './api/dispatch.ts';
import { identifyCaller, identifyOperator } from './api/identify-caller.ts';
import type { ApiServices } from './api/services.ts';
import type { CertificateCalls } from './certificates/issue-certificates.ts';
import { createConsoleSite } from './console-site.ts';
import { createDemoSite } from './demo/demo-site.ts';
import type { FollowServer } from './follow.ts';
import { createGatewayCalls, describeCallError } from './gateway-calls.ts';
import type { GatewayReports } from './gateway-reports.ts';
import { localPeer, startGatewaySocket } from './gateway-socket.ts';
import type { Enrolment } from './gateways/enrol.ts';
import type { JournalCopies } from './gateways/journal-copies.ts';
import { startPeerListener } from './gateways/peer-listener.ts';
import type { RunningIdentity } from './identity/index.ts';
import { createAdminServer, createSiteServer } from './sites.ts';
import type { TokenKeys } from './token-keys.ts';

export interface ServeNeeds {
  readonly handoff: ControlHandoff;
  readonly services: ApiServices;
  readonly identity: RunningIdentity;
  readonly certificates: CertificateCalls;
  readonly follow: FollowServer;
  readonly reports: GatewayReports;
  readonly signer: SignerClient;
  readonly tokenKeys: TokenKeys;
  readonly enrolment: Enrolment;
  readonly journals: JournalCopies;
  readonly pagesFolder: string;
  readonly onError: (error: unknown) => void;
}

/** Opens the three sockets: the operator's, the gateway's, and the one of the sites behind the gateway. Gives their end. */
export async function serveSockets(needs: ServeNeeds): Promise<() => Promise<void>> {
  const { handoff, services, identity, follow, signer, onError } = needs;
  const callerNeeds = {
    facts: services.facts,
    urls: services.urls,
    clock: services.clock,
    tokenKeys: () => needs.tokenKeys.jwks,
  };
  const listener = (identify: (request: Request) => Promise<Caller>): RequestListener => {
    const api = createApi({ services, identify, onError });
    const listen = getRequestListener((request) => api(request), { overrideGlobalObjects: false });
    return (request, response) => void listen(request, response);
  };
  const { domain, appsDomain } = handoff.urls;
  const api = listener((request) => identifyCaller(callerNeeds, request.headers));
  const sites = createSiteServer(
    new Map<string, RequestListener>([
      [`console.${domain}`, createConsoleSite({ api, pagesFolder: needs.pagesFolder })],
      [`id.${domain}`, identity.site],
      [`demo.${appsDomain}`, createDemoSite()],
    ]),
  );
  const adminToken = await writeAdminToken(handoff.dataDirectory, services.random);
  const admin = createAdminServer(listener(async (request) => identifyOperator(request.headers, adminToken)));
  const gatewaySide = {
    follow,
    handlers: createGatewayCalls({
      identity: identity.calls,
      certificates: needs.certificates,
      services,
      facts: services.facts,
      signer,
      reports: needs.reports,
      tokenKeyIds: () => needs.tokenKeys.keyIds,
      journals: needs.journals,
      renew: (gateway, csrPem) => needs.enrolment.renew(gateway, csrPem),
    }),
    describe: describeCallError,
    onError,
  };
  const gateways = await startGatewaySocket({
    ...gatewaySide,
    peerOf: localPeer(handoff.gatewayToken),
    socketPath: handoff.sockets.gateway,
  });
  const peers =
    handoff.gatewaysListen === null
      ? null
      : await startPeerListener({
          address: handoff.gatewaysListen,
          gateways: gatewaySide,
          facts: services.facts,
          caPem: (await signer.call('keys', {})).peerCaPem,
          issueCertificate: (csrPem) =>
            signer.call('issue-peer-certificate', { csrPem, role: 'control', name: 'control' }),
          enrol: (body, address) => needs.enrolment.enrol(body, address),
        });
  await listenOnSocket(sites, handoff.sockets.web);
  await listenOnSocket(admin, handoff.sockets.admin);
  return async () => {
    await Promise.all([closeServer(admin), closeServer(sites), gateways.close(), peers?.close()]);
  };
}

/** How long answers that are under way may take at the end. */
const drainMs = 2000;

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(timer);
}
