/** The only names that the CA between control and gateways may speak for; they are resolved by nobody. */
export const peerDomain = 'nullius.internal';
/** What control shows to gateways on other machines. */
export const controlPeerName = `control.${peerDomain}`;

/** What a gateway on another machine shows to control. */
export function gatewayPeerName(gateway: string): string {
  return `${gateway}.gateway.${peerDomain}`;
}

/** The gateway a certificate speaks for, from its subject alternative names as Node writes them. */
export function gatewayOfAltName(altName: string | undefined): string | undefined {
  const suffix = `.gateway.${peerDomain}`;
  if (altName === undefined || !altName.startsWith('DNS:') || !altName.endsWith(suffix)) return undefined;
  const name = altName.slice('DNS:'.length, -suffix.length);
  // One name, one label: anything else is no gateway.
  return /^[a-z0-9-]{1,63}$/.test(name) ? name : undefined;
}
