/** id-ce-nameConstraints, RFC 5280 section 4.2.1.10. */
export const nameConstraintsOid = '2.5.29.30';

/** DER of NameConstraints that permit DNS names under `domains`, and no address, mailbox or directory name at all. */
export function encodeNameConstraints(domains: readonly string[]): Uint8Array {
  const subtree = (tag: number, content: Uint8Array) => der(0x30, der(tag, content));
  const permitted = Buffer.concat(domains.map((domain) => subtree(0x82, Buffer.from(domain, 'ascii'))));
  // An excluded range of everything: 0.0.0.0/0 and ::/0 as address and mask.
  const excluded = Buffer.concat([subtree(0x87, new Uint8Array(8)), subtree(0x87, new Uint8Array(32))]);
  return der(0x30, Buffer.concat([der(0xa0, permitted), der(0xa1, excluded)]));
}

function der(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  const head =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.from(head), content]);
}
