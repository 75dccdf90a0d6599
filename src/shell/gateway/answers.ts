import {
  type Exchange,
  type GatewayRequest,
  grpcRefusal,
  isGrpcCall,
  type Refusal,
  type RefusalView,
  refusalAnswer,
  sendAnswer,
  viewOfRefusal,
} from '#enforcement/gateway';
import { reservedOrigin } from '../config/urls.ts';
import type { Gate } from './gate.ts';
import type { Site } from './sites.ts';

interface Answering {
  readonly exchange: Exchange;
  readonly id: string;
  readonly request: GatewayRequest | null;
}

/** A request that could not be read in one way only, or whose path its route does not take. */
export function answerRefusal(gate: Gate, answering: Answering & { readonly refusal: Refusal }): void {
  const { refusal, request, id } = answering;
  gate.metrics.count(`nullius_refused_total{code="${refusal.code}"}`);
  gate.countStranger({
    answer: 'deny',
    policies: [],
    resource: null,
    reason: refusal.code,
    address: answering.exchange.connection.address,
  });
  answer(gate, answering, viewOfRefusal(refusal, { request, correlationId: id }));
}

/** No resource has this host. Which hosts exist is not a stranger's business; that the domain has a console is plain. */
export function answerUnknownHost(gate: Gate, answering: Answering): void {
  gate.countStranger({
    answer: 'deny',
    policies: [],
    resource: null,
    reason: 'unknown host',
    address: answering.exchange.connection.address,
  });
  answer(gate, answering, {
    ...blank(answering),
    status: 404,
    title: 'Nothing is served here',
    reasons: [
      'No app has this address. Check the spelling, or ask whoever sent you here.',
      ...(answering.request?.host === gate.urls.domain
        ? [`The console is at ${reservedOrigin(gate.urls, 'console')}`]
        : []),
    ],
  });
}

/** The facts are too old to judge by: the gate stays shut. */
export function answerUnavailable(gate: Gate, answering: Answering): void {
  gate.metrics.count('nullius_unavailable_total');
  answer(gate, answering, {
    ...blank(answering),
    status: 503,
    title: 'Access cannot be decided right now',
    reasons: [
      'The gateway has lost touch with its control process, and does not decide on old facts. Try again shortly.',
    ],
  });
}

/** An error of ours or of the upstream, in words. */
export function answerGatewayRefusal(
  gate: Gate,
  answering: Answering & { readonly status: number; readonly words: string },
): void {
  gate.metrics.count(`nullius_gateway_errors_total{status="${answering.status}"}`);
  const { status } = answering;
  const title =
    status < 500
      ? 'The gateway does not take this'
      : status === 503
        ? 'This cannot be served right now'
        : 'The app cannot be reached';
  answer(gate, answering, { ...blank(answering), status: answering.status, title, reasons: [answering.words] });
}

/** What every refusal says of its request. */
export function blank({ request, id }: Omit<Answering, 'exchange'>): Omit<RefusalView, 'status' | 'title'> {
  const asked = request === null ? null : { method: request.method, host: request.host, path: request.path };
  return { asked, who: null, reasons: [], actions: [], correlationId: id };
}

/**
 * Answers the client that asked. As gRPC, whose refusals have status 200, only where an app is: proxies ask us by other names, and to them
 * 200 is a yes.
 */
export function answer(gate: Pick<Gate, 'sites' | 'pdp'>, { exchange, request }: Answering, view: RefusalView): void {
  const isGrpc =
    request !== null && isGrpcCall(request) && request.host !== gate.pdp.host && isApp(gate.sites().get(request.host));
  sendAnswer(exchange.client, isGrpc ? grpcRefusal(view) : refusalAnswer(view, request));
}

const isApp = (site: Site | undefined) => site !== undefined && site.upstream?.kind !== 'unix';
