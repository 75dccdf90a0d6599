import { endOfString } from './strict-json.ts';

/** JSON in which a list holds every object once, and the place of each object that stood there, in their order. */
export interface Condensed {
  readonly text: string;
  readonly order: readonly number[];
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Leaves out of the list that is member `name` what repeats an object before it to the byte, so that it is parsed once. Null when the list
 * repeats nothing, has more than `countMax` items or others than objects, or is not found: then the text itself is to be parsed.
 *
 * `text` is attacker-controlled and need not be JSON. What is left is JSON only if `text` is, of the same depth and with the same names
 * standing twice: an object ends where its brackets close, so a text that is read as one item of the list in one place is read as one in all.
 */
export function condense(text: string, { name, countMax }: { name: string; countMax: number }): Condensed | null {
  const start = startOfList(text, name);
  if (start < 0) return null;
  const places = new Map<string, number>();
  const order: number[] = [];
  let at = start;
  for (;;) {
    if (text.charCodeAt(at) !== openBrace || order.length === countMax) return null;
    const end = endOfBrackets(text, at);
    const item = text.slice(at, end);
    let place = places.get(item);
    if (place === undefined) {
      place = places.size;
      places.set(item, place);
    }
    order.push(place);
    at = skipSpace(text, end);
    const mark = text.charCodeAt(at);
    if (mark === closeBracket) break;
    if (mark !== comma) return null;
    at = skipSpace(text, at + 1);
  }
  if (places.size === order.length) return null;
  return { text: `${text.slice(0, start)}${[...places.keys()].join(',')}${text.slice(at)}`, order };
}

/** Where the first item of the list stands that is the member `name` of the object that the text is; -1 when there is none. */
function startOfList(text: string, name: string): number {
  let at = skipSpace(text, 0);
  let mark = text.charCodeAt(at) === openBrace ? comma : 0;
  while (mark === comma) {
    const start = skipSpace(text, at + 1);
    const end = text.charCodeAt(start) === quote ? endOfString(text, start + 1) : text.length;
    at = skipSpace(text, end + 1);
    if (text.charCodeAt(at) !== colon) return -1;
    at = skipSpace(text, at + 1);
    const isWanted = end - start - 1 === name.length && text.startsWith(name, start + 1);
    if (isWanted) return text.charCodeAt(at) === openBracket ? skipSpace(text, at + 1) : -1;
    at = skipSpace(text, endOfValue(text, at));
    mark = text.charCodeAt(at);
  }
  return -1;
}

function endOfValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === quote) return endOfString(text, from + 1) + 1;
  if (first === openBrace || first === openBracket) return endOfBrackets(text, from);
  let at = from;
  while (at < text.length && !endsWord(text.charCodeAt(at))) at += 1;
  return at;
}

const endsWord = (code: number) => code === comma || code === closeBrace || code === closeBracket || isSpace(code);

/** Behind the bracket that closes the one at `from`; the end of the text when none does. */
function endOfBrackets(text: string, from: number): number {
  let open = 0;
  let isInString = false;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === quote) isInString = false;
      else if (code === backslash) at += 1;
    } else if (code === quote) isInString = true;
    else if (code === openBrace || code === openBracket) open += 1;
    else if (code === closeBrace || code === closeBracket) {
      open -= 1;
      if (open === 0) return at + 1;
    }
  }
  return text.length;
}

/** RFC 8259 section 2. */
const isSpace = (code: number) => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}
