/*
 * ECDSA signatures of P-256 as JWS has them (r || s, RFC 7518 section 3.4) and as OpenSSL makes them (DER, RFC 3279 section 2.2.3). OpenSSL
 * can be asked for the former, but then takes half as long again, each time, as signing or verifying does.
 */
const numberBytes = 32;
const sequenceTag = 0x30;
const integerTag = 0x02;

/** r || s of a DER signature that OpenSSL made. Throws TypeError when it is none of P-256. */
export function rawSignature(der: Uint8Array): Uint8Array {
  const raw = new Uint8Array(2 * numberBytes);
  // The whole is shorter than 128 bytes, so every length is one byte.
  let at = 2;
  for (const end of [numberBytes, 2 * numberBytes]) {
    const length = der[at + 1] ?? 0;
    let digits = der.subarray(at + 2, at + 2 + length);
    // A leading zero says only that the number is not negative.
    if (digits.length === numberBytes + 1 && digits[0] === 0) digits = digits.subarray(1);
    const isWhole = der[at] === integerTag && digits.length > 0 && digits.length <= numberBytes;
    if (!isWhole) throw new TypeError('this is no DER signature of P-256');
    raw.set(digits, end - digits.length);
    at += 2 + length;
  }
  if (der[0] !== sequenceTag || der[1] !== der.length - 2 || at !== der.length)
    throw new TypeError('this is no DER signature of P-256');
  return raw;
}

/** The one DER form of r || s; undefined when it does not have its length. */
export function derSignature(raw: Uint8Array): Uint8Array | undefined {
  if (raw.length !== 2 * numberBytes) return undefined;
  const numbers = [raw.subarray(0, numberBytes), raw.subarray(numberBytes)].map(integer);
  const bytes = numbers.flat();
  return Uint8Array.from([sequenceTag, bytes.length, ...bytes]);
}

/** A number as DER: no more digits than it needs, and a zero before what would else be negative. */
function integer(digits: Uint8Array): number[] {
  const first = digits.findIndex((byte) => byte !== 0);
  const needed = first < 0 ? [0] : [...digits.subarray(first)];
  if ((needed[0] ?? 0) >= 0x80) needed.unshift(0);
  return [integerTag, needed.length, ...needed];
}
