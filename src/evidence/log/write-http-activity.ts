import { jsonText } from '#foundation/encoding';
import type { JournalEvent } from '#foundation/model';
import { activityOf, type HttpActivityInput, httpActivity } from './events-access.ts';
import { bounded, ocsfVerdict, severityOf } from './ocsf-objects.ts';
import type { WrittenPrincipal } from './written-principal.ts';

/** An event whose payload is written already: the text of one JSON object, on one line. */
export interface WrittenEvent extends Omit<JournalEvent, 'payload'> {
  readonly payload: string;
  /** Whose `subject` it is, when they are in many events. */
  readonly principal?: WrittenPrincipal;
}

/** Text of what comes again and again as the same object. Never changed in place, so the text stays right. */
const verdicts = new WeakMap<
  readonly string[],
  { readonly answer: string; readonly words: readonly string[]; readonly policySequence: number; readonly text: string }
>();

/** The members a verdict gives, without the braces around them. */
function verdictText(verdict: HttpActivityInput['verdict'], policySequence: number): string {
  const { answer, reasons, words } = verdict;
  const known = verdicts.get(reasons);
  if (known?.answer === answer && known.words === words && known.policySequence === policySequence) return known.text;
  const text = JSON.stringify(ocsfVerdict(verdict, policySequence)).slice(1, -1);
  verdicts.set(reasons, { answer, words, policySequence, text });
  return text;
}

/** JSON of attacker-controlled text, cut to what one member may hold. */
const quoted = (text: string) => jsonText(bounded(text));

/** JSON of an object of a few plain texts, in the order it has them; whatever else it holds is left to JSON.stringify(). */
function objectText(value: Readonly<Record<string, unknown>>): string {
  let text = '';
  for (const name in value) {
    const member = value[name];
    if (typeof member !== 'string' || !Object.hasOwn(value, name)) return JSON.stringify(value);
    text += `${text === '' ? '' : ','}${jsonText(name)}:${jsonText(member)}`;
  }
  return `{${text}}`;
}

/** What events say of a place, as long as it is asked in the same way: what stands before the path, and behind the client's address. */
interface PlaceText {
  readonly method: string;
  readonly scheme: string;
  readonly port: number | undefined;
  readonly action: unknown;
  readonly route: unknown;
  readonly before: string;
  readonly after: string;
}

const places = new WeakMap<object, PlaceText>();

function placeText(input: WrittenInput): PlaceText {
  const { method, url, resource, place, unmapped = {} } = input;
  const { action, route } = unmapped;
  const known = place === undefined ? undefined : places.get(place);
  const isSame = known?.method === method && known.scheme === url.scheme && known.port === url.port;
  if (isSame && known.action === action && known.route === route) return known;
  const hostname = quoted(url.hostname);
  const port = url.port === undefined ? '' : `,"port":${url.port}`;
  const service = resource === null ? '' : `,"svc_name":${jsonText(resource)}`;
  const text = {
    method,
    scheme: url.scheme,
    port: url.port,
    action,
    route,
    before: `,"http_request":{"http_method":"${method}","url":{"scheme":"${url.scheme}","hostname":${hostname}${port},"path":`,
    after: `},"dst_endpoint":{"hostname":${hostname}${service}},"unmapped":${objectText(unmapped)}}`,
  };
  if (place !== undefined) places.set(place, text);
  return text;
}

export interface WrittenInput extends HttpActivityInput {
  readonly principal: WrittenPrincipal;
  /** Stands for resource, hostname and what `unmapped` holds beside `action` and `route`: the same object where all of it is the same. */
  readonly place?: object | undefined;
}

/**
 * The event httpActivity() gives, with its payload as the very text JSON.stringify() would make of it, put together from parts: it
 * is written for every request. What is unusual is left to httpActivity() itself.
 */
export function writeHttpActivity(input: WrittenInput): WrittenEvent {
  const { method, url, userAgent, verdict, principal, policySequence } = input;
  const activityId = activityOf(method);
  const isUnusual =
    activityId === undefined ||
    input.statusCode !== undefined ||
    input.message !== undefined ||
    (verdict.errors !== undefined && verdict.errors.length > 0) ||
    verdict.shadow !== undefined ||
    url.path.includes('?') ||
    url.path.includes('#');
  if (isUnusual) {
    const event = httpActivity(input);
    return { ...event, payload: JSON.stringify(event.payload) };
  }
  const agent = userAgent === undefined ? '' : `,"user_agent":${quoted(userAgent)}`;
  const { before, after } = placeText(input);
  return {
    id: input.id,
    time: input.time,
    classUid: 4002,
    activityId,
    severityId: severityOf(verdict.answer),
    statusId: verdict.answer === 'allow' ? 1 : 2,
    subject: principal.subject,
    principal,
    policySequence,
    factRevision: input.factRevision,
    payload: `{${verdictText(verdict, policySequence)},"profiles":["security_control","host"],"actor":${principal.actor}${before}${quoted(url.path)}}${agent}},"src_endpoint":{"ip":${jsonText(input.address)}${after}`,
  };
}
