import { LogError } from '#evidence/log';
import { SignerCallError } from '#shell/signer-client';
import { StoreError, type StoreErrorCode } from '#shell/store';
import { PolicyParserError } from './policy-parser/policy-parser.ts';

/** What is broken around control, in words that may be shown to people, with the HTTP status that says the same. */
export interface Fault {
  readonly status: 503 | 507;
  readonly code: string;
  readonly detail: string;
}

const storeWords: Partial<Record<StoreErrorCode, string>> = {
  full: 'no space is left for the store; free some on its disk, then try again',
  locked: 'another process holds the store; end it, or try again',
  unavailable: 'the store cannot be reached; check its disk or its database server, then try again',
  corrupt: 'the store is damaged; restore a backup',
  closed: 'the control process is stopping; try again shortly',
};

/** Reads a failure of store, signer or journal; undefined for anything else. Nothing of what was asked was done. */
export function describeFault(error: unknown): Fault | undefined {
  if (error instanceof StoreError) {
    const detail = storeWords[error.code];
    if (detail === undefined) return undefined;
    return { status: error.code === 'full' ? 507 : 503, code: `store-${error.code}`, detail };
  }
  if (error instanceof SignerCallError && error.code === 'unavailable') {
    return { status: 503, code: 'signer', detail: 'the signer does not answer; try again shortly' };
  }
  if (error instanceof PolicyParserError) return { status: 503, code: 'policy-parser', detail: error.message };
  if (error instanceof LogError && error.code !== 'invalid') {
    const detail = 'the journal cannot be written, so the answer is no; check its disk, then try again';
    return { status: error.code === 'full' ? 507 : 503, code: 'journal', detail };
  }
  return undefined;
}
