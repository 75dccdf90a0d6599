import { join } from 'node:path';
import { z } from 'zod';
import { nameSchema } from '#foundation/model';
import { createPrivateFile, PrivateFileError, readPrivateFile, replacePrivateFile } from '#shell/private-file';
import { EnrolmentError } from './enrolment-error.ts';

const fileBytesMax = 262_144;
const pem = z.string().min(1).max(65_536);

/** What control gives a gateway that it lets in. */
export const admissionSchema = z.object({
  name: nameSchema,
  chainPem: pem,
  statementKeys: z.array(z.record(z.string(), z.unknown())).min(1).max(32),
  urls: z.strictObject({
    domain: z.string(),
    appsDomain: z.string(),
    scheme: z.enum(['http', 'https']),
    port: z.int().nullable(),
  }),
});

/** Of a file that another version wrote, members we do not know are left out. */
const identitySchema = z.object({
  version: z.literal(1),
  ...admissionSchema.shape,
  control: z.strictObject({ host: z.string().min(1).max(253), port: z.int().min(1).max(65_535) }),
  keyPem: pem,
  caPem: pem,
});

/** Who a gateway on this machine is to control. */
export type GatewayIdentity = Omit<z.infer<typeof identitySchema>, 'version'>;

export function identityPath(dataDirectory: string, name: string): string {
  return join(dataDirectory, 'gateway', name, 'identity.json');
}

/** Undefined when there is none. Throws EnrolmentError for one that is damaged or that others may read. */
export function readIdentity(path: string): GatewayIdentity | undefined {
  try {
    const text = readPrivateFile(path, { byteCountMax: fileBytesMax });
    if (text === undefined) return undefined;
    const { version: _version, ...identity } = identitySchema.parse(JSON.parse(text));
    return identity;
  } catch (error) {
    if (error instanceof PrivateFileError) throw new EnrolmentError('damaged', error.message, { cause: error });
    throw new EnrolmentError('damaged', `\`${path}\` is damaged; remove it and join again`, { cause: error });
  }
}

/** Writes the identity as a whole; with `isNew` there must be none yet. */
export async function writeIdentity(
  path: string,
  { identity, isNew }: { identity: GatewayIdentity; isNew: boolean },
): Promise<void> {
  const text = `${JSON.stringify({ version: 1, ...identity }, null, 1)}\n`;
  await (isNew ? createPrivateFile(path, text) : replacePrivateFile(path, text));
}
