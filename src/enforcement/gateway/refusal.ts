/** Why a request was not even judged, or could not be carried out. Values, never exceptions. */
export type RefusalCode =
  | 'bad-host'
  | 'bad-method'
  | 'method-override'
  | 'bad-path'
  | 'bad-query'
  | 'bad-header'
  | 'bad-framing'
  | 'bad-upgrade'
  | 'too-many-headers'
  | 'uri-too-long'
  | 'body-too-large'
  | 'misdirected'
  | 'service-worker'
  | 'cross-origin'
  | 'client-timeout'
  | 'upstream-unreachable'
  | 'upstream-forbidden'
  | 'upstream-timeout'
  | 'upstream-broken'
  | 'upstream-busy';

/** An answer of the gateway itself. `words` are for people and quote no secret. */
export interface Refusal {
  readonly refused: true;
  readonly status: number;
  readonly code: RefusalCode;
  readonly words: string;
}

/** `[status, code]` and the words a person reads. */
export function refuse([status, code]: readonly [number, RefusalCode], words: string): Refusal {
  return { refused: true, status, code, words };
}

/** Tells a refusal from the value that parsing gives. */
export function isRefusal(value: object): value is Refusal {
  return (value as Partial<Refusal>).refused === true;
}
