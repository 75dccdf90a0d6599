const literal = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const activity = literal('{"activity_id":');
const classUid = literal(',"class_uid":');
const revision = literal(',"fact_revision":');
const id = literal(',"id":"');
const payloadHash = literal('","payload_hash":"');
const sequence = literal('","policy_sequence":');
const seq = literal(',"seq":');
const severity = literal(',"severity_id":');
const status = literal(',"status_id":');
const subject = literal(',"subject":"');
const time = literal('","time":');
const version = literal(',"v":');
/** How a header goes on behind its version: who wrote it. */
export const writerMember = (writer: string): Uint8Array => literal(`,"writer":"${writer}"`);

const quote = 0x22;
const [zero, nine] = [0x30, 0x39];

/** Goes over bytes; once something is not as it should be, it stands at -1 and stays there. */
class Cursor {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  literal(text: Uint8Array): void {
    const [bytes, start] = [this.#bytes, this.at];
    if (start < 0) return;
    for (let index = 0; index < text.length; index += 1) {
      if (bytes[start + index] !== text[index]) {
        this.at = -1;
        return;
      }
    }
    this.at = start + text.length;
  }

  count(name: Uint8Array): number {
    this.literal(name);
    if (this.at < 0) return 0;
    const [bytes, start] = [this.#bytes, this.at];
    let [at, value] = [start, 0];
    for (let byte = bytes[at] ?? 0; byte >= zero && byte <= nine; byte = bytes[at] ?? 0) {
      value = value * 10 + byte - zero;
      at += 1;
    }
    this.at = at > start && Number.isSafeInteger(value) ? at : -1;
    return value;
  }

  /** Stands behind a text's beginning and gives where that is; then at its end. */
  text(name: Uint8Array): number {
    this.literal(name);
    const [bytes, start] = [this.#bytes, this.at];
    if (start < 0) return 0;
    let at = start;
    while (at < bytes.length && bytes[at] !== quote) at += 1;
    this.at = at;
    return start;
  }
}

/** What a replay takes of a header that it does not parse; of texts where they begin and end. Used for one header after the other. */
export class HeaderGlance {
  classUid = 0;
  factRevision = 0;
  idStart = 0;
  idEnd = 0;
  hashStart = 0;
  hashEnd = 0;
  policySequence = 0;
  seq = 0;
  subjectStart = 0;
  subjectEnd = 0;
  time = 0;
  version = 0;

  /**
   * Takes in the header that stands from `start` to `end`. False unless its members are laid down as taggedText() does it, by this writer.
   * That proves nothing: whether these bytes are what was written, only their tag says, or a seal over all of them.
   */
  take(bytes: Uint8Array, { start, end, writer }: { start: number; end: number; writer: Uint8Array }): boolean {
    const cursor = new Cursor(bytes, start);
    cursor.count(activity);
    this.classUid = cursor.count(classUid);
    this.factRevision = cursor.count(revision);
    this.idStart = cursor.text(id);
    this.idEnd = cursor.at;
    this.hashStart = cursor.text(payloadHash);
    this.hashEnd = cursor.at;
    this.policySequence = cursor.count(sequence);
    this.seq = cursor.count(seq);
    cursor.count(severity);
    cursor.count(status);
    this.subjectStart = cursor.text(subject);
    this.subjectEnd = cursor.at;
    this.time = cursor.count(time);
    this.version = cursor.count(version);
    cursor.literal(writer);
    return cursor.at >= 0 && cursor.at < end;
  }
}
