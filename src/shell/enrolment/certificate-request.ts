import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';

const sequence = 0x30;
const integer = 0x02;
const bitString = 0x03;
const octetString = 0x04;
const oid = 0x06;
const set = 0x31;
const contextConstructed0 = 0xa0;
/** [2] IMPLICIT IA5String: dNSName of GeneralName (RFC 5280 section 4.2.1.6). */
const dnsName = 0x82;
/** 1.2.840.10045.4.3.2, ecdsa-with-SHA256 (RFC 5758 section 3.2). */
const ecdsaWithSha256 = '2a8648ce3d040302';
/** 1.2.840.113549.1.9.14, extensionRequest (RFC 2985 section 5.4.2). */
const extensionRequest = '2a864886f70d01090e';
/** 2.5.29.17, subjectAltName. */
const subjectAltName = '551d11';

/**
 * Makes a fresh P-256 key and a PKCS#10 request (RFC 2986) for the names: ASCII host names, an empty subject. Written out
 * because a library for it costs a gateway 12 MB for good, and writing DER, unlike reading it, has one way only.
 */
export function makeKeyAndRequest(names: readonly string[]): { keyPem: string; csrPem: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyPem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { keyPem, csrPem: requestFor(keyPem, names) };
}

/** The request alone, over a P-256 key that is there already (PKCS#8 in PEM). */
export function requestFor(keyPem: string, names: readonly string[]): string {
  const privateKey = createPrivateKey(keyPem);
  const publicKey = createPublicKey(privateKey);
  const alternatives = der(sequence, ...names.map((name) => der(dnsName, Buffer.from(name, 'ascii'))));
  const extensions = der(sequence, der(sequence, object(subjectAltName), der(octetString, alternatives)));
  const info = der(
    sequence,
    der(integer, Uint8Array.of(0)),
    der(sequence),
    publicKey.export({ format: 'der', type: 'spki' }),
    der(contextConstructed0, der(sequence, object(extensionRequest), der(set, extensions))),
  );
  const signature = sign('sha256', info, { key: privateKey, dsaEncoding: 'der' });
  const request = der(
    sequence,
    info,
    der(sequence, object(ecdsaWithSha256)),
    // No unused bits.
    der(bitString, Uint8Array.of(0), signature),
  );
  return `-----BEGIN CERTIFICATE REQUEST-----\n${inLines(request)}\n-----END CERTIFICATE REQUEST-----\n`;
}

function object(hex: string): Uint8Array {
  return der(oid, Buffer.from(hex, 'hex'));
}

/** Tag, length and contents (X.690 section 10.1: the shortest form of the length). */
function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(contents);
  const lengthBytes: number[] = [];
  if (body.length >= 0x80) {
    for (let rest = body.length; rest > 0; rest >>= 8) lengthBytes.unshift(rest & 0xff);
    lengthBytes.unshift(0x80 | lengthBytes.length);
  } else lengthBytes.push(body.length);
  return Buffer.concat([Uint8Array.of(tag, ...lengthBytes), body]);
}

function inLines(bytes: Uint8Array): string {
  return (
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? ''
  );
}
