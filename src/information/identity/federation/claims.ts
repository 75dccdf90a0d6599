import { nameSchema } from '#foundation/model';
import { IdentityError } from '../identity-error.ts';
import type { ExternalProviderConfig } from './external-provider.ts';

/** What we take over from an ID token whose signature, issuer, audience and nonce hold. Its text is the provider's. */
export interface ExternalPerson {
  readonly subject: string;
  readonly preferredName: string | null;
  readonly displayName: string | null;
  /** Only when the provider says it verified it. */
  readonly email: string | null;
  /** Our group names. */
  readonly groups: readonly string[];
  readonly phishingResistant: boolean;
  /** Milliseconds; 0 when the provider does not say. */
  readonly authTime: number;
}

const groupsMax = 180;
const secondMs = 1000;

/** Half a character, sent or made by the cut, would be text that no policy can be asked about. */
const words = (value: unknown, max: number): string | null =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, max).toWellFormed() : null;

/** Follows `realm_access.roles` through own members of plain objects; a literal claim of that name goes first. */
function claimAt(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/**
 * Entra sends a pointer instead of the groups when there are too many ("overage", `_claim_names`). To take that for
 * "no groups" would quietly change what the person may do, in either direction.
 */
function refuseOverage(claims: Readonly<Record<string, unknown>>, config: ExternalProviderConfig): void {
  const names = claims['_claim_names'];
  const pointed =
    typeof names === 'object' &&
    names !== null &&
    config.groupsClaim !== null &&
    Object.hasOwn(names, config.groupsClaim);
  if (pointed || claims['hasgroups'] === true) {
    throw new IdentityError(
      'sign-in-refused',
      `\`${config.displayName}\` left your groups out because they are too many; an administrator there must limit the groups in the token`,
    );
  }
}

function readGroups(claims: Readonly<Record<string, unknown>>, config: ExternalProviderConfig): string[] {
  if (config.groupsClaim === null) return [];
  refuseOverage(claims, config);
  const claimed = claimAt(claims, config.groupsClaim);
  if (claimed === undefined) return [];
  const list = typeof claimed === 'string' ? [claimed] : claimed;
  if (!Array.isArray(list) || list.length > groupsMax || !list.every((item) => typeof item === 'string')) {
    throw new IdentityError(
      'sign-in-refused',
      `\`${config.displayName}\` sent groups that cannot be read (claim \`${config.groupsClaim}\`, at most ${groupsMax} names)`,
    );
  }
  const ours = list.flatMap((theirs: string) => {
    const mapped = Object.hasOwn(config.groups, theirs) ? config.groups[theirs] : undefined;
    if (mapped !== undefined) return [mapped];
    // Under the provider's own prefix, and only as it is written: a rewriting could make two names one.
    const prefixed = `${config.name}-${theirs}`;
    return nameSchema.safeParse(prefixed).success ? [prefixed] : [];
  });
  return [...new Set(ours)];
}

/** Reads the claims of a verified ID token (OpenID Connect Core 1.0 sections 2 and 5.1). */
export function readExternalPerson(
  claims: Readonly<Record<string, unknown>>,
  config: ExternalProviderConfig,
): ExternalPerson {
  const subject = claims['sub'];
  if (typeof subject !== 'string' || subject === '' || subject.length > 255) {
    throw new IdentityError('sign-in-refused', `\`${config.displayName}\` did not say who you are`);
  }
  const methods = [claims['acr'], ...(Array.isArray(claims['amr']) ? claims['amr'] : [])];
  const authTime = claims['auth_time'];
  return {
    subject,
    preferredName: words(claims['preferred_username'], 100),
    displayName: words(claims['name'], 200),
    email: claims['email_verified'] === true ? words(claims['email'], 320) : null,
    groups: readGroups(claims, config),
    phishingResistant: methods.some(
      (method) => typeof method === 'string' && config.phishingResistantAmr.includes(method),
    ),
    authTime: Number.isSafeInteger(authTime) && Number(authTime) > 0 ? Number(authTime) * secondMs : 0,
  };
}
