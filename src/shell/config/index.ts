export { resolveBeside } from './check.ts';
export { type ConfigProblem, formatProblem } from './document.ts';
export { formatDuration, parseDuration } from './duration.ts';
export { isLoopback, parseListen } from './listen.ts';
export { type LoadedConfig, loadConfig } from './load.ts';
export { nearestWord } from './nearest.ts';
export { type Config, reservedHosts } from './schema.ts';
export { namesPrivateAddress, parseUpstream, type Upstream } from './upstream.ts';
export { appOrigin, derivePublicUrls, reservedOrigin } from './urls.ts';
