import { parseUpstream, type UpstreamTarget } from '#enforcement/gateway';
import type { FactView, Resource } from '#foundation/model';
import type { PublicUrls } from '#shell/wire';

/** Host labels under the domain that are ours; no app can take them. */
export const reservedHosts = ['id', 'console', 'pdp', 'device'] as const;

/** A resource as the gateway serves it, at one host name. */
export interface Site {
  readonly id: string;
  readonly host: string;
  readonly resource: Resource;
  /** null: the upstream cannot be parsed, and nothing is forwarded. */
  readonly upstream: UpstreamTarget | null;
  /** The highest sensitivity among its segment and those around it: it sets how fresh facts must be. */
  readonly sensitivity: 'public' | 'low' | 'medium' | 'high';
}

const ranks = { public: 0, low: 1, medium: 2, high: 3 } as const;
const segmentDepthMax = 32;

/** The host name a resource is served at. */
export function hostOf(resourceId: string, urls: PublicUrls): string {
  const isReserved = (reservedHosts as readonly string[]).includes(resourceId);
  return `${resourceId}.${isReserved ? urls.domain : urls.appsDomain}`;
}

/** Host name → site, rebuilt whole when a resource or segment changes: it is read on every request and written seldom. */
export function sitesFrom(
  facts: FactView,
  options: { urls: PublicUrls; webSocketPath: string | null },
): Map<string, Site> {
  const sites = new Map<string, Site>();
  for (const [id, resource] of facts.all('resource')) {
    const host = hostOf(id, options.urls);
    const parsed = parseUpstream(resource.upstream);
    // A socket is our own services' address: only built-in resources may have one, and it is always control's.
    const isOwn = resource.origin === 'builtin' && parsed?.kind === 'unix';
    // Away from control's machine its own services are not ours to serve: a request for them finds nothing here.
    if (isOwn && options.webSocketPath === null) continue;
    const own = isOwn ? parseUpstream(`unix:${options.webSocketPath}`) : undefined;
    const upstream = parsed?.kind === 'unix' ? own : parsed;
    sites.set(host, { id, host, resource, upstream: upstream ?? null, sensitivity: sensitivityOf(facts, resource) });
  }
  return sites;
}

function sensitivityOf(facts: FactView, resource: Resource): Site['sensitivity'] {
  let highest: Site['sensitivity'] = 'public';
  let name = resource.segment;
  for (let depth = 0; name !== null && depth < segmentDepthMax; depth += 1) {
    const segment = facts.get('segment', name);
    // A segment nobody knows, or a chain that never ends, is guarded as the strictest.
    if (segment === undefined) return 'high';
    if (ranks[segment.sensitivity] > ranks[highest]) highest = segment.sensitivity;
    name = segment.within;
  }
  return name === null ? highest : 'high';
}
