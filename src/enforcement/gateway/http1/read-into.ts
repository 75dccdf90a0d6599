import { Socket } from 'node:net';

interface Native {
  readonly useUserBuffer?: (this: Native, buffer: Uint8Array) => void;
}

/**
 * Lets a connection that was accepted read into `buffer`, as `onread` does for one that was dialled: without it every read costs 64 KiB
 * of fresh memory. `take` gets the number of bytes there, and has used or copied them when it returns; false stops reading. False when
 * this Node keeps these things elsewhere, and then nothing is changed. Node offers no way but these names; a test notices when they
 * are called otherwise.
 */
export function readInto(socket: Socket, buffer: Uint8Array, take: (byteCount: number) => boolean): boolean {
  const native = (socket as unknown as { readonly _handle?: Native | null })._handle;
  const readHere = native?.useUserBuffer;
  if (places === undefined || native == null || readHere === undefined) return false;
  readHere.call(native, buffer);
  Object.assign(socket, { [places.buffer]: buffer, [places.take]: take });
  return true;
}

/** Where a socket made with `onread` remembers it. */
function placesOfOnread(): { readonly buffer: symbol; readonly take: symbol } | undefined {
  const buffer = new Uint8Array(1);
  const callback = () => true;
  const dialled = new Socket({ onread: { buffer, callback } });
  const kept = dialled as unknown as Readonly<Record<symbol, unknown>>;
  const placeOf = (value: unknown) => Object.getOwnPropertySymbols(dialled).find((symbol) => kept[symbol] === value);
  const places = { buffer: placeOf(buffer), take: placeOf(callback) };
  dialled.destroy();
  return places.buffer === undefined || places.take === undefined
    ? undefined
    : { buffer: places.buffer, take: places.take };
}

const places = placesOfOnread();
