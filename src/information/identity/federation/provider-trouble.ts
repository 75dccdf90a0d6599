import { AuthorizationResponseError, WWWAuthenticateChallengeError } from 'openid-client';

const depthMax = 5;
const wordsMax = 400;
/** RFC 6749 section 4.1.2.1 and OpenID Connect Core 1.0 section 3.1.2.6. */
const callbackCodes: readonly unknown[] = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
  'interaction_required',
  'login_required',
  'account_selection_required',
  'consent_required',
  'invalid_request_uri',
  'invalid_request_object',
  'request_not_supported',
  'request_uri_not_supported',
  'registration_not_supported',
];

/**
 * What stood behind a sign-in through a provider that failed, for who operates this: the page says only that it did. Empty when nothing
 * did. The provider's words are not trusted further than to be shown; what the browser brought is not shown at all but for a code
 * that the standards know.
 */
export function providerTrouble(error: unknown): string {
  const found: string[] = [];
  let at = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; depth < depthMax && at instanceof Error; depth += 1) {
    found.push(...wordsOf(at));
    if (at instanceof AuthorizationResponseError) break;
    const issuer = otherIssuer(at.cause);
    if (issuer !== undefined) found.push(`it calls itself \`${issuer}\`: write exactly that as \`issuer\``);
    if (at.cause instanceof Response) found.push(`HTTP ${at.cause.status}`);
    at = at.cause;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const words = [...new Set(found)].join(': ').replace(/[\u0000-\u001f\u007f]/g, ' ');
  return words.slice(0, wordsMax);
}

function wordsOf(error: Error): string[] {
  const { error: code, error_description: description } = answerIn(error);
  if (error instanceof AuthorizationResponseError)
    return [callbackCodes.includes(code) ? `it answered \`${code}\`` : 'it answered an error of its own'];
  const said = typeof code === 'string' ? [`it answered \`${code}\``] : [error.message];
  if (typeof description === 'string' && description !== '') said.push(description);
  return said;
}

/** `error` and `error_description` of RFC 6749 section 5.2, in the body or, with status 401, in a challenge. */
function answerIn(error: Error): { readonly error?: unknown; readonly error_description?: unknown } {
  if (!(error instanceof WWWAuthenticateChallengeError))
    return error as { error?: unknown; error_description?: unknown };
  return error.cause[0]?.parameters ?? {};
}

/** OpenID Connect Discovery 1.0 section 4.3: the issuer in the document must be the one that was asked for. */
function otherIssuer(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('attribute' in cause) || cause.attribute !== 'issuer') return;
  const body = 'body' in cause ? cause.body : undefined;
  if (typeof body !== 'object' || body === null || !('issuer' in body)) return;
  return typeof body.issuer === 'string' ? body.issuer : undefined;
}
