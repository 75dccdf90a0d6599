import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { GitOrigin } from '#foundation/model';

const run = promisify(execFile);

/** A folder that Git can say nothing about, or that differs from its commit; the message says what to do. */
export class GitOriginError extends Error {
  override readonly name = 'GitOriginError';
}

const gitMsMax = 10_000;
const gitBytesMax = 1024 * 1024;
const wordsMax = 500;

/**
 * Nothing in the repository may make Git run a program while it is asked. Content can look like a bare repository (`HEAD`, `config`,
 * `objects`), whose configuration Git would take instead of that of the working tree around it (`safe.bareRepository`, from 2.38 on).
 */
const quiet = [
  '--no-optional-locks',
  '--no-pager',
  // Of a commit that the repository replaces (`refs/replace`) the id would stand beside what it does not hold.
  '--no-replace-objects',
  ...['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'safe.bareRepository=explicit'].flatMap((each) => [
    '-c',
    each,
  ]),
];

/** What is read of a folder (readPolicyFolder), and nothing below it. */
export const policyEndings = ['.cedar', '.cedarschema', '.test.yaml', '.invariants'] as const;
const policyFiles = policyEndings.map((each) => `:(glob)*${each}`);

/** The first version that knows `safe.bareRepository`; older ones take no notice of it. */
const gitVersionMin = [2, 38] as const;

/** Throws GitOriginError when Git is too old to be asked about what others may have written. */
async function refuseOldGit(folder: string): Promise<void> {
  const words = (await runGit(folder, ['version'])).trim();
  const [, major, minor] = /^git version ([0-9]{1,4})\.([0-9]{1,4})/.exec(words) ?? [];
  const [majorMin, minorMin] = gitVersionMin;
  if (Number(major) > majorMin || (Number(major) === majorMin && Number(minor) >= minorMin)) return;
  throw new GitOriginError(
    `Git ${gitVersionMin.join('.')} or newer is needed, here is \`${words.slice(0, 100)}\`: an older one can be made to take its configuration from files in the folder; install a newer one, or publish the folder without Git`,
  );
}

async function runGit(folder: string, args: readonly string[]): Promise<string> {
  const { PATH = '', HOME = '' } = process.env;
  try {
    const { stdout } = await run('git', [...args], {
      timeout: gitMsMax,
      maxBuffer: gitBytesMax,
      // A repository may say that objects are to be fetched when they are missing, and by which program: none is.
      env: { PATH, HOME, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_ALLOW_PROTOCOL: 'none', GIT_NO_LAZY_FETCH: '1' },
    });
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: unknown };
    if (code === 'ENOENT') {
      throw new GitOriginError(
        'the program `git` is not installed here; install it, or publish the folder without Git',
      );
    }
    const words = typeof stderr === 'string' ? stderr.trim().split('\n')[0] : '';
    throw new GitOriginError(`Git can say nothing about \`${folder}\`: ${words || 'it gave no answer'}`);
  }
}

/** Asks Git about a folder; nothing that the repository names is run for what is only read of commits. Throws GitOriginError. */
export function runQuietGit(folder: string, args: readonly string[]): Promise<string> {
  return runGit(folder, [...quiet, '-C', folder, ...args]);
}

/** The commit that is checked out around a folder, its author and its subject. Throws GitOriginError. */
export async function readCommit(folder: string): Promise<{ commit: string; author: string; subject: string }> {
  await refuseOldGit(folder);
  const commit = (await runQuietGit(folder, ['rev-parse', '--verify', 'HEAD^{commit}'])).trim();
  const asked = ['log', '-1', '--no-show-signature', '--format=%an <%ae>%x00%s', commit];
  const [author = '', subject = ''] = (await runQuietGit(folder, asked)).trimEnd().split('\0');
  return { commit, author: author.slice(0, wordsMax), subject: subject.slice(0, wordsMax) };
}

/**
 * What Git says of a folder of a working tree: the commit that is checked out, its author and its subject. Throws GitOriginError when files
 * of the folder differ from the commit, unless `allowDirty`.
 */
export async function readGitOrigin(
  folder: string,
  { allowDirty }: { allowDirty: boolean },
): Promise<{ origin: GitOrigin; message: string }> {
  const { commit, author, subject } = await readCommit(folder);
  const git = (args: readonly string[]) => runQuietGit(folder, args);
  if ((await git(['rev-parse', '--is-inside-work-tree'])).trim() !== 'true')
    throw new GitOriginError(`Git can say nothing about \`${folder}\`: its working tree lies elsewhere`);
  const status = await git(['status', '--porcelain=v1', '--untracked-files=all', '--', '.']);
  // What Git is told to ignore is read as a policy all the same, and no commit holds it.
  const ignored = await git(['ls-files', '-z', '--others', '--ignored', '--exclude-standard', '--', ...policyFiles]);
  // Nor does it look at what its index says to take for unchanged, or for left out.
  const indexed = await git(['ls-files', '-z', '-v', '--', ...policyFiles]);
  const changed = [
    ...status
      .split('\n')
      .filter(Boolean)
      .map((line) => line.slice(3)),
    ...ignored.split('\0').filter(Boolean),
    ...indexed
      .split('\0')
      .filter((entry) => entry !== '' && !entry.startsWith('H '))
      .map((entry) => entry.slice(2)),
  ];
  if (changed.length > 0 && !allowDirty) {
    const [first = ''] = changed;
    const more = changed.length > 1 ? ` and ${changed.length - 1} more` : '';
    throw new GitOriginError(
      `\`${folder}\` differs from commit ${commit.slice(0, 12)} (\`${first}\`${more}); commit it, or allow it (\`allowDirty\`, \`--allow-dirty\`)`,
    );
  }
  return {
    origin: { commit, author, isDirty: changed.length > 0, isStated: false },
    message: subject || `commit ${commit}`,
  };
}

/** Files of Git's whose change tells of a commit or a checkout; empty where there is no working tree. */
export function gitStateFiles(folder: string): string[] {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const entry = join(at, '.git');
    if (existsSync(entry)) return stateFilesIn(at, entry);
    if (at === dirname(at)) return [];
  }
}

/** A path and a few words; anybody may have put it there: nothing waits for the other end of a pipe. */
const gitFileBytesMax = 16 * 1024;

function stateFilesIn(top: string, entry: string): string[] {
  // A working tree beside the first one has a file that says where its state lies.
  const found = statSync(entry);
  const words = found.isFile() && found.size <= gitFileBytesMax ? readFileSync(entry, 'utf8') : '';
  const directory = found.isDirectory() ? entry : resolve(top, /^gitdir: (.+)$/m.exec(words)?.[1] ?? entry);
  return ['HEAD', 'index', join('logs', 'HEAD')].map((name) => join(directory, name));
}
