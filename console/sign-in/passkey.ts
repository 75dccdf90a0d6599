import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import { post, Refusal } from './ask.ts';

/** What the browser's refusals mean to a person. */
function inWords(error: unknown): Error {
  if (error instanceof Refusal) return error;
  const name = error instanceof Error ? error.name : '';
  if (name === 'AbortError') return new Refusal('aborted', '');
  if (name === 'NotAllowedError') {
    return new Refusal(
      'cancelled',
      'Nothing was used: it was cancelled, or took too long. Try again when you are ready.',
    );
  }
  if (name === 'InvalidStateError') {
    return new Refusal('exists', 'This device already holds a passkey for your account. Use another device or key.');
  }
  if (name === 'SecurityError') {
    return new Refusal('insecure', 'The browser does not allow passkeys at this address.');
  }
  return new Refusal('failed', 'The browser could not use a passkey. Try again, or try another device.');
}

export const passkeysWork = browserSupportsWebAuthn;

/** Signs in by a passkey. `suggest`: let the browser offer passkeys in the form field instead of a dialog. */
export async function signIn(interaction: string, suggest = false): Promise<{ location: string }> {
  try {
    const path = `/interaction/${interaction}/passkey`;
    const optionsJSON = await post<PublicKeyCredentialRequestOptionsJSON>(`${path}/options`);
    return await post(path, await startAuthentication({ optionsJSON, useBrowserAutofill: suggest }));
  } catch (error) {
    throw inWords(error);
  }
}

export const canSuggest = browserSupportsWebAuthnAutofill;

/** Creates a passkey from options the server gave; the result goes back to it. */
export async function createPasskey(optionsJSON: PublicKeyCredentialCreationOptionsJSON) {
  try {
    return await startRegistration({ optionsJSON });
  } catch (error) {
    throw inWords(error);
  }
}

/** Adds one more passkey to the account that is signed in. */
export async function addPasskey(name: string): Promise<{ signInAgain: boolean }> {
  const options = await post<PublicKeyCredentialCreationOptionsJSON>('/account/passkeys/options');
  return post('/account/passkeys/add', { name, response: await createPasskey(options) });
}
