import type { EventView } from '../api/shapes.ts';

/** What lists and charts show of an OCSF event. Texts are attacker-influenced: only ever shown as text. */
export interface EventLine {
  readonly what: string;
  readonly who: string;
  readonly where: string;
  readonly outcome: 'allow' | 'deny' | 'none';
  readonly words: string;
}

const classNames: Record<number, string> = {
  1007: 'Process',
  2004: 'Finding',
  3001: 'Account change',
  3002: 'Sign-in',
  3003: 'Session',
  3004: 'Change',
  3005: 'Access management',
  3006: 'Group change',
  4002: 'Request',
  5019: 'Configuration',
  6002: 'Process',
  6003: 'Administration',
  6008: 'Fault',
};

function at(value: unknown, ...path: string[]): unknown {
  let current = value;
  for (const key of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[key];
  }
  return current;
}

function firstText(payload: unknown, ...paths: string[]): string {
  for (const path of paths) {
    const value = at(payload, ...path.split('.'));
    if (typeof value === 'string' && value !== '') return value;
    if (typeof value === 'number') return String(value);
  }
  return '';
}

/** The name of an OCSF class as this product uses it. */
export function className(classUid: number): string {
  return classNames[classUid] ?? `Class ${classUid}`;
}

/** What another program asked the PDP: about whom, on what. A batch counts its questions. */
function readDecision(payload: NonNullable<EventView['payload']>): Omit<EventLine, 'outcome'> {
  const count = at(payload, 'unmapped', 'count');
  const asked = typeof count === 'number' ? `of ${count}` : firstText(payload, 'unmapped.action');
  const caller = firstText(payload, 'actor.user.name', 'actor.user.uid', 'actor.app_name');
  const subject = firstText(payload, 'unmapped.subject.name', 'unmapped.subject.id');
  const isAmbiguous = firstText(payload, 'unmapped.subject.ambiguous') !== '';
  const known = (words: readonly string[], between: string) => words.filter((word) => word !== '').join(between);
  return {
    what: known(['Decision', firstText(payload, 'api.operation'), asked], ' '),
    who: known([caller, isAmbiguous ? `${subject} (ambiguous)` : subject], ' → '),
    where: known([firstText(payload, 'resources.0.type'), firstText(payload, 'resources.0.uid')], ' ') || 'pdp',
    words: firstText(payload, 'status_detail', 'message'),
  };
}

/** Reads an event for one line of a list. Missing parts become empty texts. */
export function readEvent(event: EventView): EventLine {
  const { payload } = event;
  const outcome = event.statusId === 1 ? 'allow' : event.statusId === 2 ? 'deny' : 'none';
  if (payload === null) {
    const who = event.isDamaged ? 'damaged' : 'erased';
    return { what: className(event.classUid), who, where: '', outcome, words: '' };
  }
  if (firstText(payload, 'api.service.name') === 'pdp') return { ...readDecision(payload), outcome };
  const entity = [firstText(payload, 'entity.type'), firstText(payload, 'entity.name', 'entity.uid')];
  const what = [
    // A cut of running access refers to the request that had let it in.
    typeof at(payload, 'unmapped', 'cut') === 'string' ? 'Access ended' : className(event.classUid),
    firstText(payload, 'http_request.http_method', 'api.operation'),
    firstText(payload, 'http_request.url.path'),
    // Requests of strangers beyond the first few are counted, not listed.
    typeof payload['count'] === 'number' ? `× ${payload['count']}` : '',
  ];
  return {
    what: what.filter((part) => part !== '').join(' '),
    who:
      firstText(payload, 'actor.user.name', 'user.name', 'actor.user.uid', 'user.uid', 'actor.app_name') ||
      'Nullius itself',
    where:
      firstText(
        payload,
        'http_request.url.hostname',
        'dst_endpoint.hostname',
        'dst_endpoint.svc_name',
        'web_resources.0.name',
        'resources.0.name',
      ) || entity.filter((part) => part !== '').join(' '),
    outcome,
    words: firstText(payload, 'status_detail', 'message'),
  };
}

/** Does this line contain the text, anywhere a reader would see it? Case does not matter. */
export function matches(event: EventView, text: string): boolean {
  const needle = text.trim().toLowerCase();
  if (needle === '') return true;
  const line = readEvent(event);
  return [line.what, line.who, line.where, line.words, event.id].some((part) => part.toLowerCase().includes(needle));
}
