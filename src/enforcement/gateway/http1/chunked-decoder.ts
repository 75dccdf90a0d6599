import { chunkExtensionBytesMax, trailerBytesMax } from '../limits.ts';
import { MessageError } from './message-error.ts';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Digits of a chunk size: 2^48 bytes, far below where numbers lose precision. */
const sizeDigitsMax = 12;

const hexValue = new Int8Array(256).fill(-1);
for (let value = 0; value < 16; value++) {
  hexValue[value.toString(16).charCodeAt(0)] = value;
  hexValue[value.toString(16).toUpperCase().charCodeAt(0)] = value;
}
const isTokenByte = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  isTokenByte[char.charCodeAt(0)] = 1;
}

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'done';

/**
 * Takes the chunked coding off a body (RFC 9112 7.1, not trusted), however it is cut into reads. Strict: sizes are hexadecimal
 * digits and nothing else, lines end by CRLF, extensions are tokens or plain quoted strings, of
 * bounded length, and are thrown away.
 */
export class ChunkedDecoder {
  #state: State = 'size';
  #size = 0;
  #digits = 0;
  #extensionBytes = 0;
  #part: 'name-start' | 'name' | 'value-start' | 'value' | 'quoted' | 'after-quoted' = 'name-start';
  #trailer = '';
  #trailerBytes = 0;
  #line = '';
  #last = 0;

  get done(): boolean {
    return this.#state === 'done';
  }

  /** Field lines behind the last chunk, each with its CRLF. Whole when `done`. */
  get trailerText(): string {
    return this.#trailer;
  }

  /**
   * Decodes `input` from `from` to `to`, writing content to `out` from its beginning (it must have room for all). Gives how much
   * was read, less than everything only when `done`, and how much was written. Throws MessageError.
   */
  decode(
    input: Uint8Array,
    { from, to, out }: { readonly from: number; readonly to: number; readonly out: Uint8Array },
  ): { readonly at: number; readonly written: number } {
    let at = from;
    let written = 0;
    while (at < to && this.#state !== 'done') {
      if (this.#state === 'data') {
        const length = Math.min(this.#size, to - at);
        out.set(input.subarray(at, at + length), written);
        at += length;
        written += length;
        this.#size -= length;
        if (this.#size === 0) this.#state = 'data-cr';
      } else this.#step(input[at++] ?? 0);
    }
    return { at, written };
  }

  #step(byte: number): void {
    switch (this.#state) {
      case 'size':
        this.#stepSize(byte);
        break;
      case 'extension':
        this.#stepExtension(byte);
        break;
      case 'size-lf':
        if (byte !== LF) throw new MessageError('a bare carriage return in a chunk');
        this.#state = this.#size > 0 ? 'data' : 'trailer';
        break;
      case 'data-cr':
        if (byte !== CR) throw new MessageError('a chunk longer than it says');
        this.#state = 'data-lf';
        break;
      case 'data-lf':
        if (byte !== LF) throw new MessageError('a chunk longer than it says');
        this.#state = 'size';
        this.#digits = 0;
        break;
      default:
        this.#stepTrailer(byte);
    }
  }

  #stepSize(byte: number): void {
    const value = hexValue[byte] ?? -1;
    if (value >= 0) {
      if (++this.#digits > sizeDigitsMax) throw new MessageError('a chunk too large');
      this.#size = this.#size * 16 + value;
      return;
    }
    if (this.#digits === 0) throw new MessageError('no chunk size');
    if (byte === CR) this.#state = 'size-lf';
    else if (byte === SEMICOLON) {
      this.#state = 'extension';
      this.#part = 'name-start';
    } else throw new MessageError('no chunk size');
  }

  /** `;name`, `;name=value` or `;name="value"`, one after another. The bound is for the whole body. */
  #stepExtension(byte: number): void {
    if (++this.#extensionBytes > chunkExtensionBytesMax) throw new MessageError('too much in chunk extensions');
    const part = this.#part;
    if (part === 'quoted') {
      if (byte === QUOTE) this.#part = 'after-quoted';
      else if (byte < 0x20 || byte === BACKSLASH || byte >= 0x7f) throw new MessageError('not a chunk extension');
    } else if (isTokenByte[byte] === 1 && part !== 'after-quoted') {
      if (part === 'name-start') this.#part = 'name';
      else if (part === 'value-start') this.#part = 'value';
    } else if (part === 'name' && byte === EQUALS) this.#part = 'value-start';
    else if (part === 'value-start' && byte === QUOTE) this.#part = 'quoted';
    else if (part === 'name-start' || part === 'value-start') throw new MessageError('not a chunk extension');
    else if (byte === SEMICOLON) this.#part = 'name-start';
    else if (byte === CR) this.#state = 'size-lf';
    else throw new MessageError('not a chunk extension');
  }

  #stepTrailer(byte: number): void {
    if (++this.#trailerBytes > trailerBytesMax) throw new MessageError('too many trailers');
    if ((byte === LF) !== (this.#last === CR)) throw new MessageError('a bare line end in a trailer');
    this.#last = byte;
    if (byte !== LF) {
      this.#line += String.fromCharCode(byte);
    } else if (this.#line.length === 1) {
      this.#state = 'done';
    } else {
      this.#trailer += `${this.#line}\n`;
      this.#line = '';
    }
  }
}
