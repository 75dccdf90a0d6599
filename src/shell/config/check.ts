import { statSync } from 'node:fs';
import type { Report } from './document.ts';
import { isLoopback } from './listen.ts';
import { nearestWord } from './nearest.ts';
import { type Config, policySource, reservedHosts } from './schema.ts';
import { checkFile, checkSecretFile, type FileContext, resolveBeside } from './secret-file.ts';
import { checkStore } from './store-url.ts';
import { namesPrivateAddress, parseUpstream } from './upstream.ts';

/** What a schema cannot say: keys that depend on each other, on the machine, or on the network. */
export function checkConfig(
  config: Config,
  context: { readonly file: string; readonly report: Report; readonly isDomainElsewhere: boolean },
): void {
  const { report } = context;
  checkStore(config.store, context);
  checkListeners(config, report);
  if (!context.isDomainElsewhere) checkDomain(config, report);
  checkTls(config, context);
  checkProviders(config, context);
  checkSegments(config, report);
  checkGroups(config, report);
  checkResources(config, report);
  const source = policySource(config.policies);
  if (source !== undefined)
    checkFolder(source.git === null ? ['policies'] : ['policies', 'git', 'folder'], source.folder, context);
  if (config.session.idle > config.session.lifetime) {
    report(
      ['session', 'idle'],
      '`session.idle` is longer than `session.lifetime`; sessions would never end by idleness',
    );
  }
}

function checkListeners(config: Config, report: Report): void {
  const { plain, operations, pdp } = config.listen;
  if (plain !== null && !isLoopback(plain.host)) {
    report(
      ['listen', 'plain'],
      `\`listen.plain\` on \`${plain.host}\` would carry sessions over the network in the clear; keep it on \`127.0.0.1\` and use \`listen.tls\``,
    );
  }
  if (pdp !== null && !isLoopback(pdp.host)) {
    report(
      ['listen', 'pdp'],
      `\`listen.pdp\` on \`${pdp.host}\` would carry tokens over the network in the clear; keep it on \`127.0.0.1\`, and let callers elsewhere use \`https://pdp.${config.domain}\` or \`listen.pdpTls\``,
    );
  }
  if (operations !== null && !isLoopback(operations.host)) {
    report(
      ['listen', 'operations'],
      `\`listen.operations\` on \`${operations.host}\` asks nobody who they are; make sure only your monitoring reaches it`,
      'warning',
    );
  }
}

/** Is the domain one that browsers reach through the listeners that are on? */
function checkDomain(config: Config, report: Report): void {
  const { plain, tls } = config.listen;
  if (config.domain === 'localhost' && plain === null) {
    report(
      ['listen', 'plain'],
      'the domain `localhost` is reached through the plain listener; turn it on, or set `domain` to a name with dots',
    );
  }
  if (config.domain !== 'localhost' && tls === null) {
    report(['listen', 'tls'], `the domain \`${config.domain}\` is reached through TLS only; turn \`listen.tls\` on`);
  }
  if (config.domain !== 'localhost' && !config.domain.includes('.')) {
    report(
      ['domain'],
      `\`${config.domain}\` is a single label; browsers treat it as a public suffix, use a name with a dot`,
    );
  }
}

function checkTls(config: Config, context: FileContext): void {
  const { certificate, key, acme } = config.tls;
  if ((certificate === undefined) !== (key === undefined)) {
    context.report(['tls'], '`tls.certificate` and `tls.key` belong together; give both or neither');
  }
  if (certificate !== undefined && acme !== undefined) {
    context.report(['tls', 'acme'], '`tls.acme` and `tls.certificate` exclude each other; remove one');
  }
  if (acme !== undefined && config.domain === 'localhost') {
    context.report(['tls', 'acme'], 'no public authority certifies `localhost`; set `domain`, or remove `tls.acme`');
  }
  if (certificate !== undefined) checkFile(['tls', 'certificate'], certificate, context);
  if (key !== undefined) checkSecretFile(['tls', 'key'], key, context);
  if (acme?.caFile !== undefined) checkFile(['tls', 'acme', 'caFile'], acme.caFile, context);
}

function checkProviders(config: Config, context: FileContext): void {
  const seen = new Set<string>();
  for (const [index, provider] of config.identity.providers.entries()) {
    const path = ['identity', 'providers', index];
    if (seen.has(provider.name))
      context.report([...path, 'name'], `two providers are named \`${provider.name}\`; rename one`);
    seen.add(provider.name);
    // Groups are `<provider>-<theirs>`: who names groups at `corp` would name those of `corp-eu` as well.
    const shorter = config.identity.providers.find((other) => provider.name.startsWith(`${other.name}-`));
    if (shorter !== undefined)
      context.report(
        [...path, 'name'],
        `groups of provider \`${shorter.name}\` could be taken for groups of \`${provider.name}\`; give one a name that does not begin with the other's`,
      );
    if (provider.clientSecret !== undefined)
      checkSecretFile([...path, 'clientSecret', 'file'], provider.clientSecret.file, context);
    const issuer = new URL(provider.issuer);
    if (issuer.protocol === 'http:' && !isLoopback(issuer.hostname) && issuer.hostname !== 'localhost') {
      context.report(
        [...path, 'issuer'],
        `\`${provider.issuer}\` is not HTTPS; sign-in over it could be forged by the network`,
      );
    }
  }
}

function checkSegments(config: Config, report: Report): void {
  const parents = new Map(config.segments.map((segment) => [segment.name, segment.within]));
  for (const [index, segment] of config.segments.entries()) {
    if (config.segments.findIndex((each) => each.name === segment.name) !== index) {
      report(['segments', index, 'name'], `two segments are named \`${segment.name}\`; rename one`);
    }
    if (segment.within !== undefined && !parents.has(segment.within)) {
      report(['segments', index, 'within'], unknownName('segment', segment.within, parents.keys()), 'warning');
    }
    if (climbsForever(segment.name, parents)) {
      report(['segments', index], `segment \`${segment.name}\` lies within itself; break the circle`);
    }
  }
}

function checkGroups(config: Config, report: Report): void {
  const names = new Set([...config.groups.map((group) => group.name), 'everyone', 'administrators']);
  for (const [index, group] of config.groups.entries()) {
    if (config.groups.findIndex((each) => each.name === group.name) !== index) {
      report(['groups', index, 'name'], `two groups are named \`${group.name}\`; rename one`);
    }
    for (const [inner, parent] of group.memberOf.entries()) {
      if (!names.has(parent))
        report(['groups', index, 'memberOf', inner], unknownName('group', parent, names), 'warning');
      if (parent === group.name)
        report(['groups', index, 'memberOf', inner], `group \`${parent}\` is a member of itself`);
    }
  }
}

function checkResources(config: Config, report: Report): void {
  const segments = new Set(config.segments.map((segment) => segment.name));
  for (const [index, resource] of config.resources.entries()) {
    const path = ['resources', index];
    if (reservedHosts.includes(resource.name)) {
      report(
        [...path, 'name'],
        `\`${resource.name}\` is one of our own hosts (${reservedHosts.join(', ')}); choose another name`,
      );
    }
    if (config.resources.findIndex((each) => each.name === resource.name) !== index) {
      report([...path, 'name'], `two resources are named \`${resource.name}\`; rename one`);
    }
    if (resource.segment !== undefined && !segments.has(resource.segment)) {
      report([...path, 'segment'], unknownName('segment', resource.segment, segments), 'warning');
    }
    const upstream = parseUpstream(resource.upstream);
    if ('problem' in upstream) {
      report([...path, 'upstream'], `\`${resource.upstream}\` ${upstream.problem}`);
    } else if (namesPrivateAddress(upstream) && !resource.allowPrivate) {
      report(
        [...path, 'upstream'],
        `\`${resource.upstream}\` is a private or loopback address; add \`allowPrivate: true\` if that is meant`,
      );
    }
  }
}

function unknownName(noun: string, name: string, known: Iterable<string>): string {
  const nearest = nearestWord(name, known);
  return `no ${noun} \`${name}\` in this file${nearest === undefined ? '' : `; the nearest is \`${nearest}\``}; it must come from the API`;
}

function climbsForever(start: string, parents: ReadonlyMap<string, string | undefined>): boolean {
  let name = parents.get(start);
  for (let depth = 0; depth <= parents.size && name !== undefined; depth += 1) {
    if (name === start) return true;
    name = parents.get(name);
  }
  return false;
}

function checkFolder(path: readonly PropertyKey[], folder: string, context: FileContext): void {
  if (!checkFile(path, folder, context)) return;
  if (!statSync(resolveBeside(context.file, folder)).isDirectory()) context.report(path, `\`${folder}\` is no folder`);
}
