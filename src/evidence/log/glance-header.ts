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
const zero = 0x30;

/** Digits of a safe integer that is read without a doubt. */
const digitsMax = 15;
/** Characters of a hash and of a pseudonym, base64url. */
const [hashCharacters, pseudonymCharacters] = [43, 22];

/** Goes over bytes; once something is not as it should be, it stands at -1 and stays there. */
class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;

  literal(text: Uint8Array): void {
    const { bytes, at: start } = this;
    if (start < 0) return;
    const { length } = text;
    for (let index = 0; index < length; index += 1) {
      if (bytes[start + index] !== text[index]) {
        this.at = -1;
        return;
      }
    }
    this.at = start + length;
  }

  count(name: Uint8Array): number {
    this.literal(name);
    const { bytes, at: start } = this;
    if (start < 0) return 0;
    let at = start;
    let value = 0;
    for (let digit = (bytes[at] ?? 0) - zero; digit >= 0 && digit <= 9; digit = (bytes[at] ?? 0) - zero) {
      value = value * 10 + digit;
      at += 1;
    }
    this.at = at > start && at - start <= digitsMax ? at : -1;
    return value;
  }

  /** Stands behind a text's beginning and gives where that is; then at its end. */
  text(name: Uint8Array): number {
    this.literal(name);
    const { bytes, at: start } = this;
    if (start < 0) return 0;
    let at = start;
    while (at < bytes.length && bytes[at] !== quote) at += 1;
    this.at = at;
    return start;
  }

  /** The same of a text that is always so long; whoever looks at it compares all of it. */
  textOf(name: Uint8Array, characters: number): number {
    this.literal(name);
    const start = this.at;
    if (start < 0) return 0;
    this.at = start + characters;
    return start;
  }
}

const cursor = new Cursor();

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
    cursor.bytes = bytes;
    cursor.at = start;
    cursor.count(activity);
    this.classUid = cursor.count(classUid);
    this.factRevision = cursor.count(revision);
    this.idStart = cursor.text(id);
    this.idEnd = cursor.at;
    this.hashStart = cursor.textOf(payloadHash, hashCharacters);
    this.hashEnd = cursor.at;
    this.policySequence = cursor.count(sequence);
    this.seq = cursor.count(seq);
    cursor.count(severity);
    cursor.count(status);
    this.subjectStart = cursor.textOf(subject, pseudonymCharacters);
    this.subjectEnd = cursor.at;
    this.time = cursor.count(time);
    this.version = cursor.count(version);
    cursor.literal(writer);
    return cursor.at >= 0 && cursor.at < end;
  }
}
