import type { JournalPosition } from '#shell/wire';

export interface ShippingSettings {
  /** The folder of this gateway's own journal. */
  readonly directory: string;
}

export type FromShipping =
  /** The body of a `journal/ship`, JSON in UTF-8: there is one at a time, and it waits for what came of it. */
  | { readonly type: 'send'; readonly body: Uint8Array<ArrayBuffer> }
  | { readonly type: 'notice'; readonly line: string };

export type ToShipping =
  | { readonly type: 'taken'; readonly position: JournalPosition }
  | { readonly type: 'not-taken'; readonly words: string; readonly isForLater: boolean }
  /** The journal is closed: send what is left and end. */
  | { readonly type: 'close' };
