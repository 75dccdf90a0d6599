/** JSON in which a list holds every object once, and the place of each object that stood there, in their order. */
export interface Condensed {
  readonly bytes: Buffer;
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
 * repeats nothing, has more than `countMax` items or others than objects, or is not found: then the bytes themselves are to be parsed.
 *
 * `bytes` are attacker-controlled and need not be JSON. What is left is JSON only if they are, of the same depth and with the same names
 * standing twice: an object ends where its brackets close, so what is read as one item of the list in one place is read as one in all.
 */
export function condense(bytes: Buffer, { name, countMax }: { name: string; countMax: number }): Condensed | null {
  const scan = new Scan(bytes);
  if (!scan.findList(name)) return null;
  const listStart = scan.at;
  const distinct = new Distinct(bytes);
  const order: number[] = [];
  for (;;) {
    if (bytes[scan.at] !== openBrace || order.length === countMax) return null;
    const start = scan.at;
    scan.skipBrackets();
    order.push(distinct.placeOf({ start, end: scan.at, hash: scan.hash }));
    const mark = scan.mark();
    if (mark === closeBracket) break;
    if (mark !== comma) return null;
    scan.at += 1;
    scan.mark();
  }
  const { items } = distinct;
  if (items.length === order.length) return null;
  const kept = items.flatMap(({ start, end }, place) => [place === 0 ? nothing : between, bytes.subarray(start, end)]);
  return { bytes: Buffer.concat([bytes.subarray(0, listStart), ...kept, bytes.subarray(scan.at)]), order };
}

const nothing = Buffer.alloc(0);
const between = Buffer.from(',');

interface Item {
  readonly start: number;
  readonly end: number;
  /** Of its bytes. */
  readonly hash: number;
}

/** What differs among the items of a list. */
class Distinct {
  readonly items: Item[] = [];
  readonly #bytes: Buffer;
  /** Of two that have the same hash the later one: who makes such items has them parsed one by one. */
  readonly #places = new Map<number, number>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  placeOf(item: Item): number {
    const known = this.#places.get(item.hash);
    if (known !== undefined && this.#isSame(item, this.items[known])) return known;
    const place = this.items.push(item) - 1;
    this.#places.set(item.hash, place);
    return place;
  }

  #isSame({ start, end }: Item, other: Item | undefined): boolean {
    const bytes = this.#bytes;
    if (other === undefined || end - start !== other.end - other.start) return false;
    for (let at = start, there = other.start; at < end; at += 1, there += 1)
      if (bytes[at] !== bytes[there]) return false;
    return true;
  }
}

/** Goes through JSON by its marks, without a look at what stands between them. At a loss, it goes to the end. */
class Scan {
  readonly #bytes: Buffer;
  at = 0;
  /** Of what skipBrackets() went over. */
  hash = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Goes to the first item of the list that is the member `name` of the object that all this is; false when there is none. */
  findList(name: string): boolean {
    const bytes = this.#bytes;
    let mark = this.mark() === openBrace ? comma : 0;
    while (mark === comma) {
      this.at += 1;
      if (this.mark() !== quote) return false;
      const start = this.at + 1;
      this.#skipText();
      const isWanted = this.at - start - 1 === name.length && bytes.toString('latin1', start, this.at - 1) === name;
      if (this.mark() !== colon) return false;
      this.at += 1;
      const first = this.mark();
      if (isWanted) {
        this.at += 1;
        this.mark();
        return first === openBracket;
      }
      if (first === quote) this.#skipText();
      else if (first === openBrace || first === openBracket) this.skipBrackets();
      else this.#skipWord();
      mark = this.mark();
    }
    return false;
  }

  /** Goes to what is no space (RFC 8259 section 2), and says what it is: 0 at the end. */
  mark(): number {
    const bytes = this.#bytes;
    while (isSpace(bytes[this.at])) this.at += 1;
    return bytes[this.at] ?? 0;
  }

  /** Goes from an opening bracket behind the one that closes it. */
  skipBrackets(): void {
    const bytes = this.#bytes;
    const end = bytes.length;
    let at = this.at;
    let open = 0;
    let hash = 0;
    while (at < end) {
      let code = bytes[at];
      hash = (Math.imul(hash, 31) + (code ?? 0)) | 0;
      at += 1;
      if (code === quote) {
        do {
          code = bytes[at];
          hash = (Math.imul(hash, 31) + (code ?? 0)) | 0;
          at += code === backslash ? 2 : 1;
        } while (code !== quote && at < end);
      } else if (code === openBrace || code === openBracket) open += 1;
      else if (code === closeBrace || code === closeBracket) {
        open -= 1;
        if (open === 0) break;
      }
    }
    this.at = at;
    this.hash = hash;
  }

  #skipText(): void {
    const bytes = this.#bytes;
    let at = this.at + 1;
    while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
    this.at = at + 1;
  }

  #skipWord(): void {
    const bytes = this.#bytes;
    let at = this.at;
    while (at < bytes.length && !endsWord(bytes[at])) at += 1;
    this.at = at;
  }
}

const isSpace = (code: number | undefined) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
const endsWord = (code: number | undefined) =>
  code === comma || code === closeBrace || code === closeBracket || isSpace(code);
