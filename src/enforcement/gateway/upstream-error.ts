import { type Refusal, refuse } from './refusal.ts';

/** The `code` of an error of Node or of a library; empty when it has none. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const code = 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}

/** What the client is told when the way to the app failed: no address, no library's words. */
export function refusalForError(error: unknown): Refusal {
  const code = codeOf(error);
  if (code.startsWith('ERR_TLS') || code.includes('CERT') || code.startsWith('ERR_SSL') || code === 'EPROTO') {
    return refuse([502, 'upstream-unreachable'], "The app's TLS certificate could not be verified.");
  }
  switch (code) {
    case 'upstream-forbidden':
      return refuse([502, 'upstream-forbidden'], "The app's address is one this gateway does not connect to.");
    case 'ETIMEDOUT':
      return refuse(
        [504, 'upstream-timeout'],
        'Nothing answered in time where this app should run. Try again in a while, or tell whoever runs it.',
      );
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENOENT':
    case 'EACCES':
      return refuse(
        [502, 'upstream-unreachable'],
        'Nothing answers where this app should run. Try again in a while, or tell whoever runs it.',
      );
    default:
      return refuse([502, 'upstream-broken'], 'The app broke off or answered in a way that is not valid HTTP.');
  }
}
