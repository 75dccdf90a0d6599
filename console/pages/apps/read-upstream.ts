/** What can be told about an upstream before the server judges it. `place` is where its address lies. */
export type UpstreamReading =
  | { readonly state: 'empty' }
  | { readonly state: 'bad'; readonly words: string }
  | { readonly state: 'never'; readonly words: string }
  | {
      readonly state: 'good';
      readonly upstream: string;
      readonly place: 'this-machine' | 'private' | 'public' | 'name';
      readonly words: string;
    };

const schemes = new Set(['http:', 'https:', 'h2c:']);

/**
 * Reads `http://host:port` as a person types it; a missing scheme is taken as http. Only advice for the form: the API
 * and, at connect time, the gateway judge the address.
 */
export function readUpstream(text: string): UpstreamReading {
  const typed = text.trim();
  if (typed === '') return { state: 'empty' };
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `http://${typed}`;
  const scheme = full.slice(0, full.indexOf('//')).toLowerCase();
  if (!schemes.has(scheme))
    return { state: 'bad', words: `\`${scheme}//\` is not spoken here: use http, https or h2c.` };
  // h2c is parsed as http, so that hosts are normalised the same way (`127.1`, `0x7f.0.0.1`, upper case).
  const url = URL.parse(full.replace(/^h2c:/i, 'http:'));
  if (url === null) return { state: 'bad', words: 'This is not an address: write it like `http://localhost:3000`.' };
  if (url.username !== '' || url.password !== '') {
    return { state: 'bad', words: 'Leave the user name and password out: they would be shown to every administrator.' };
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return { state: 'bad', words: `Leave the path out: requests keep their own. Write \`${scheme}//${url.host}\`.` };
  }
  const upstream = `${scheme}//${url.host}`;
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const place = placeOf(host);
  if (place === 'link-local') {
    return {
      state: 'never',
      words: `\`${host}\` is a link-local address, where clouds keep machine credentials. Nullius never connects there.`,
    };
  }
  return { state: 'good', upstream, place, words: wordsOf(place, host) };
}

function wordsOf(place: 'this-machine' | 'private' | 'public' | 'name', host: string): string {
  if (place === 'this-machine') return `\`${host}\` is this machine.`;
  if (place === 'private') return `\`${host}\` is an address inside your own network.`;
  if (place === 'public') return `\`${host}\` is an address on the internet.`;
  return `Where \`${host}\` lies is looked up at every connection.`;
}

function placeOf(host: string): 'this-machine' | 'private' | 'public' | 'name' | 'link-local' {
  if (host === 'localhost' || host.endsWith('.localhost')) return 'this-machine';
  const mapped = mappedIpv4(host);
  if (mapped !== undefined) return placeOfIpv4(mapped);
  if (host.includes(':')) return placeOfIpv6(host);
  const bytes = host.split('.').map(Number);
  if (bytes.length === 4 && bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)) {
    return placeOfIpv4(bytes);
  }
  return 'name';
}

function placeOfIpv4(bytes: readonly number[]): 'this-machine' | 'private' | 'public' | 'link-local' {
  const [a = 0, b = 0] = bytes;
  if (a === 127 || a === 0) return 'this-machine';
  if (a === 169 && b === 254) return 'link-local';
  if (a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168)) return 'private';
  if (a === 100 && b >= 64 && b <= 127) return 'private';
  return 'public';
}

function placeOfIpv6(host: string): 'this-machine' | 'private' | 'public' | 'link-local' {
  if (host === '::1' || host === '::') return 'this-machine';
  // The URL parser has compressed it, so the first group is the first 16 bits.
  const first = Number.parseInt(host.split(':')[0] || '0', 16);
  if ((first & 0xffc0) === 0xfe80) return 'link-local';
  return (first & 0xfe00) === 0xfc00 ? 'private' : 'public';
}

/** `::ffff:7f00:1`, as the URL parser writes IPv4-mapped addresses. */
function mappedIpv4(host: string): number[] | undefined {
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (match === null) return undefined;
  const high = Number.parseInt(match[1] ?? '', 16);
  const low = Number.parseInt(match[2] ?? '', 16);
  return [high >> 8, high & 255, low >> 8, low & 255];
}

/** A name for an app out of what a person typed: what a host label allows, nothing else. */
export function suggestName(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
}
