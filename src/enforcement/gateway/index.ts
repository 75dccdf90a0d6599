export { type BodySink, type ClientBody, readWholeBody } from './client-body.ts';
export type { ClientSide } from './client-side.ts';
export { type ForwardHandle, type ForwardOptions, type ForwardOutcome, forwardRequest } from './forward-request.ts';
export { createFrontServers, type Exchange, type FrontServers, type FrontServersOptions } from './front-servers.ts';
export { matchRoute } from './match-route.ts';
export { headerOf, isCrossOrigin, isNavigation, isPreflight, prefersHtml, refuseServiceWorker } from './navigation.ts';
export { type ParsedPath, readPath } from './read-path.ts';
export type { ConnectionFacts, GatewayRequest } from './read-request.ts';
export { isRefusal, type Refusal, type RefusalCode, refuse } from './refusal.ts';
export { type Answer, type RefusalAction, type RefusalView, refusalPage, refusalProblem } from './refusal-page.ts';
export { requestHeadersFor, type UpstreamHeaderOptions } from './request-headers.ts';
export { refusalAnswer, sendAnswer, viewOfRefusal } from './send-answer.ts';
export { createSweep, type Sweep } from './sweep.ts';
export {
  createUpstreams,
  parseUpstream,
  type Upstream,
  type Upstreams,
  type UpstreamsOptions,
  type UpstreamTarget,
} from './upstream.ts';
