/** What is sent to `/policies/explain`. */
export type WhyQuestion =
  | { readonly event: string }
  | {
      readonly user?: string;
      readonly token?: string;
      readonly who?: string;
      readonly resource: string;
      readonly action: string;
      readonly path?: string;
      readonly route?: string;
    };

/** Reads the question out of the page's address, so that an explanation can be linked to. */
export function questionIn(search: URLSearchParams): WhyQuestion | undefined {
  const text = (name: string) => search.get(name) ?? '';
  if (text('event') !== '') return { event: text('event') };
  const subject = (['user', 'token', 'who'] as const).find((name) => text(name) !== '');
  if (subject === undefined || text('resource') === '') return undefined;
  return {
    [subject]: text(subject),
    resource: text('resource'),
    action: text('action') === '' ? 'read' : text('action'),
    ...(text('path') === '' ? {} : { path: text('path') }),
    ...(text('route') === '' ? {} : { route: text('route') }),
  };
}

/** Of a journal record, the parts that are the question; the rest is one click away in the event. */
const recordParts: Readonly<Record<string, string>> = {
  'actor.user.name': 'who',
  'actor.app_name': 'who',
  'http_request.http_method': 'method',
  'http_request.url.hostname': 'host',
  'http_request.url.path': 'path',
  'unmapped.action': 'action',
  'unmapped.route': 'route',
  'api.operation': 'operation',
  'src_endpoint.ip': 'from',
};

/** The question of an explanation in a few lines: of a past decision only what was asked, of a hypothesis all of it. */
export function shownQuestion(question: unknown): (readonly [string, string])[] {
  const all = askedIn(question);
  if (!all.some(([name]) => name === 'event')) return all;
  return all.flatMap(([name, value]) => {
    const words = recordParts[name];
    return words === undefined ? [] : [[words, value] as const];
  });
}

/** Name and value of each part of a question as the API repeats it, nested ones joined by a dot. */
export function askedIn(question: unknown, depthMax = 3): (readonly [string, string])[] {
  if (typeof question !== 'object' || question === null) return [];
  return Object.entries(question).flatMap(([name, value]): (readonly [string, string])[] => {
    if (value === null || value === undefined || value === '') return [];
    if (typeof value !== 'object') return [[name, String(value)]];
    if (Array.isArray(value)) return value.length === 0 ? [] : [[name, value.map(String).join(', ')]];
    const record = value as Record<string, unknown>;
    if (typeof record['type'] === 'string' && typeof record['id'] === 'string') {
      return [[name, `${record['type']}::${JSON.stringify(record['id'])}`]];
    }
    if (depthMax === 0) return [];
    return askedIn(value, depthMax - 1).map(([inner, text]) => [`${name}.${inner}`, text] as const);
  });
}
