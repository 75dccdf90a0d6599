import { type Refusal, refuse } from './refusal.ts';

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const code = 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}

/** Did a kept-alive connection turn out dead? Then the app has not seen the request, as far as anyone can tell. */
export function isStaleConnection(error: Error): boolean {
  const code = codeOf(error);
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
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
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return refuse([504, 'upstream-timeout'], 'The app could not be reached in time.');
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENOENT':
    case 'EACCES':
      return refuse([502, 'upstream-unreachable'], 'The app could not be reached.');
    default:
      return refuse([502, 'upstream-broken'], 'The app broke off or answered in a way that is not valid HTTP.');
  }
}
