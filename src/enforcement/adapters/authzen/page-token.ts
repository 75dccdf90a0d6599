import { open, seal, sha256Base64url } from '#foundation/crypto';
import { fromBase64url, toBase64url } from '#foundation/encoding';

/** What a page token is good for: one caller and one search. */
export interface PageBinding {
  readonly caller: string;
  readonly search: string;
}

const associated = ({ caller, search }: PageBinding) =>
  `authzen-page ${sha256Base64url(JSON.stringify([caller, search]))}`;

/**
 * Makes the token of the next page (section 8.2.2): where to go on, sealed, because the candidate it names may be one that the
 * caller must not know.
 */
export function sealPageToken(
  key: Uint8Array,
  { after, ...binding }: PageBinding & { readonly after: string },
): string {
  return toBase64url(seal(key, Buffer.from(after), { associatedData: associated(binding) }));
}

/** Where to go on; undefined for a token that is not of this caller and this search, or of another key. */
export function openPageToken(
  key: Uint8Array,
  { token, ...binding }: PageBinding & { readonly token: string },
): string | undefined {
  const sealed = fromBase64url(token);
  if (sealed === undefined) return undefined;
  try {
    return Buffer.from(open(key, sealed, { associatedData: associated(binding) })).toString('utf8');
  } catch {
    return undefined;
  }
}
