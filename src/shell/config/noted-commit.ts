import { createHash } from 'node:crypto';
import type { GitOrigin } from '#foundation/model';
import { GitOriginError, gitStateFiles, policyEndings, readCommit, runQuietGit } from './git-origin.ts';
import type { PolicyFolder } from './policy-folder.ts';

/** The id that Git gives to content, by the hash that its commits go by. */
function blobId(text: string, commit: string): string {
  const bytes = Buffer.from(text, 'utf8');
  return createHash(commit.length === 40 ? 'sha1' : 'sha256')
    .update(`blob ${bytes.byteLength}\0`)
    .update(bytes)
    .digest('hex');
}

/** Ids of the policy files that lie directly in a folder of a commit. */
async function committedFiles(folder: string, commit: string): Promise<Map<string, string>> {
  const entries = (await runQuietGit(folder, ['ls-tree', '-z', commit])).split('\0');
  return new Map(
    entries.flatMap((entry): [string, string][] => {
      const [, id, name] = /^[0-7]+ blob ([0-9a-f]+)\t([\s\S]+)$/.exec(entry) ?? [];
      return id === undefined || name === undefined || !policyEndings.some((ending) => name.endsWith(ending))
        ? []
        : [[name, id]];
    }),
  );
}

/**
 * The commit that a folder is checked out at, and whether what was read of it differs. Undefined where there is none that holds any of it, or Git
 * cannot be asked: nothing is refused for that. The folder may be anybody's, so what is read is compared here, by its hash: asking Git for the
 * state of a working tree can run what the repository's configuration names (`filter.*.clean`).
 */
export async function notedCommit(folder: string, read: PolicyFolder): Promise<GitOrigin | undefined> {
  try {
    if (gitStateFiles(folder).length === 0) return undefined;
    const { commit, author } = await readCommit(folder);
    const committed = await committedFiles(folder, commit);
    const texts = [...read.policies, ...read.tests, ...read.invariants];
    const schemas = read.schema === undefined ? [] : [blobId(read.schema, commit)];
    // Of the schema no name is read: there is one at most.
    const committedSchemas = [...committed].filter(([name]) => name.endsWith('.cedarschema')).map(([, id]) => id);
    if (!texts.some(({ file }) => committed.has(file))) return undefined;
    const isSame =
      committedSchemas.join() === schemas.join() &&
      texts.length + schemas.length === committed.size &&
      texts.every(({ file, text }) => committed.get(file) === blobId(text, commit));
    return { commit, author, isDirty: !isSame, isStated: true };
  } catch (error) {
    if (error instanceof GitOriginError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}
