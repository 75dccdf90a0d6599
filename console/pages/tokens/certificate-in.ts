const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

/** The first certificate in a text (PEM, RFC 7468), alone: a key beside it does not leave the browser. Undefined where there is none. */
export function certificateIn(text: string): string | undefined {
  for (let from = text.indexOf(begin); from >= 0; from = text.indexOf(begin, from + begin.length)) {
    const to = text.indexOf('-----', from + begin.length);
    // One that is cut short could be followed by a key.
    if (to >= 0 && text.startsWith(end, to)) return `${text.slice(from, to + end.length)}\n`;
  }
  return undefined;
}
