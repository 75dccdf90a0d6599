/** Wall-clock milliseconds since the Unix epoch: for what people read and for facts that carry dates. It may jump. */
export type Clock = () => number;

/** Milliseconds that never go backwards, from an arbitrary start: for leases, timeouts and intervals. */
export type MonotonicClock = () => number;

/** Gives `byteCount` bytes of cryptographic quality. */
export type RandomBytes = (byteCount: number) => Uint8Array;
