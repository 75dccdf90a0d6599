const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Lower-case DNS name in letters, digits and hyphens (RFC 1123), as labels; `*` may be the first. Undefined for anything else. */
export function parseDnsName(name: string): readonly string[] | undefined {
  if (name.length > 253) return undefined;
  const labels = name.split('.');
  const rest = labels[0] === '*' && labels.length > 1 ? labels.slice(1) : labels;
  // A last label of digits only could be read as an IPv4 address.
  if (!rest.every((part) => label.test(part)) || /^\d+$/.test(rest.at(-1) ?? '')) return undefined;
  return labels;
}

/** Is the name one of the domains or below one? Compared label by label: `evilexample.com` is not under `example.com`. */
export function isUnder(name: string, domains: readonly string[]): boolean {
  const labels = parseDnsName(name);
  if (labels === undefined) return false;
  return domains.some((domain) => {
    const wanted = domain.split('.');
    return labels.length >= wanted.length && labels.slice(-wanted.length).join('.') === wanted.join('.');
  });
}

/**
 * Names for a gateway's certificate. A wildcard where clients accept one; they refuse `*.localhost` (a single-label
 * domain), so there every host stands by itself.
 */
export function certificateNames(domain: string, hosts: readonly string[]): readonly string[] {
  if (domain.includes('.')) return [domain, `*.${domain}`];
  return [domain, ...new Set(hosts.map((host) => `${host}.${domain}`))];
}
