const begin = '-----BEGIN CERTIFICATE-----';
const end = '-----END CERTIFICATE-----';

/** The first certificate in a text (PEM, RFC 7468), alone: a key beside it does not leave the browser. Undefined where there is none. */
export function certificateIn(text: string): string | undefined {
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from + begin.length);
  return from < 0 || to < 0 ? undefined : `${text.slice(from, to + end.length)}\n`;
}
