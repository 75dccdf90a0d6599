import { type LogRecord, policyErrorsOf } from '#evidence/log';
import { formatTime, printable } from './output.ts';

/** An event as the API gives it. */
export type EventView = Omit<LogRecord, 'pseudonym'>;

/** Why an event has no payload. */
const absenceOf = ({ isDamaged }: EventView) =>
  isDamaged ? '(damaged: not what an honest gateway writes)' : '(erased)';

/** OCSF classes whose outcome is an answer to a question; of others it is whether something was done. */
const answeredClasses: ReadonlySet<number> = new Set([4002, 6003]);

/** The text at a path of a payload, when there is one. */
function textAt(payload: unknown, ...path: string[]): string | undefined {
  const found = path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined),
    payload,
  );
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** Uids that tell a type and an id, as actors have; events about accounts give the id alone. */
const typedUid = /^(?:User|Workload)::"(.*)"$/;

/** Whom a decision was asked about. */
function askedAbout(payload: EventView['payload']): string | undefined {
  const said = (what: string) => textAt(payload, 'unmapped', 'subject', what);
  const called = said('name') ?? said('id');
  return said('ambiguous') === undefined ? called : `${called} (ambiguous)`;
}

/** Who did it and, where that is somebody else, to whom. */
function whoOf(event: EventView): string {
  const { subject, payload } = event;
  if (payload === null) return absenceOf(event);
  const named = (...path: string[]) =>
    textAt(payload, ...path, 'name') ?? textAt(payload, ...path, 'uid')?.replace(typedUid, '$1');
  const actor = named('actor', 'user') ?? textAt(payload, 'actor', 'app_name');
  const user = named('user') ?? askedAbout(payload);
  const both = [actor, user].filter((each) => each !== undefined);
  return [...new Set(both)].join(' -> ') || (subject ?? '(erased)');
}

/** What the API was asked; of the PDP also what it was to decide on. */
function callOf(payload: EventView['payload']): string | undefined {
  const operation = textAt(payload, 'api', 'operation');
  if (operation === undefined || textAt(payload, 'api', 'service', 'name') !== 'pdp') return operation;
  const asked = (payload?.['unmapped'] as { count?: unknown } | undefined)?.count;
  const of = ['type', 'uid'].map((key) => textAt(payload, 'resources', '0', key));
  const count = typeof asked === 'number' ? `of ${asked}` : undefined;
  return [operation, count, textAt(payload, 'unmapped', 'action'), ...of]
    .filter((word) => word !== undefined)
    .join(' ');
}

/** What policies in shadow would have said: `in shadow: deny by no-deletes`. */
function shadowWords(payload: EventView['payload']): string[] {
  const given: unknown = payload?.['authorizations'];
  const told = (Array.isArray(given) ? given : []).flatMap((each: unknown) => {
    const policy = textAt(each, 'policy', 'uid');
    const isShadow = (each as { policy?: { is_applied?: unknown } } | null)?.policy?.is_applied === false;
    return isShadow && policy !== undefined ? [`${textAt(each, 'decision') ?? ''} by ${policy}`] : [];
  });
  return told.length === 0 ? [] : [`in shadow: ${told.join(', ')}`];
}

/** Policies that failed meanwhile: `failed: no-deletes (integer overflow)`. */
function errorWords(payload: EventView['payload']): string[] {
  const told = policyErrorsOf(payload).map(({ policy, message }) => `${policy} (${message})`);
  return told.length === 0 ? [] : [`failed: ${told.join(', ')}`];
}

/** One line for a person: when, how it ended, who, what, why, where it is kept. Everything in it may be a stranger's words. */
export function eventLine(event: EventView): string {
  const { payload, classUid } = event;
  const outcomes = answeredClasses.has(classUid) ? ['allowed', 'refused'] : ['done', 'failed'];
  const outcome = outcomes[event.statusId === 2 ? 1 : 0] ?? '';
  const address = `${textAt(payload, 'http_request', 'url', 'hostname') ?? ''}${textAt(payload, 'http_request', 'url', 'path') ?? ''}`;
  const asked = address === '' ? callOf(payload) : `${textAt(payload, 'http_request', 'http_method') ?? ''} ${address}`;
  const words =
    payload === null
      ? absenceOf(event)
      : [textAt(payload, 'message'), textAt(payload, 'status_detail')].filter((each) => each !== undefined).join(': ');
  const parts = [
    formatTime(event.time),
    outcome.padEnd(7),
    whoOf(event),
    ...(asked === undefined ? [] : [asked]),
    // Calls of the API say their outcome first themselves.
    words.startsWith(`${outcome}: `) ? words.slice(outcome.length + 2) : words,
    ...shadowWords(payload),
    ...errorWords(payload),
    `${event.writer} ${classUid}`,
    event.id,
  ];
  return printable(parts.join('  ')).replaceAll('\n', '\ufffd');
}
