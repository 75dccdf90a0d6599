import { nearestWord } from './nearest.ts';
import type { Config } from './schema.ts';
import { checkFile, checkSecretFile, type FileContext, readSecret, resolveBeside } from './secret-file.ts';

/** What may stand as `sslmode`; all but the first two mean a certificate that is verified, whatever they mean to libpq. */
const sslModes: readonly string[] = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full'];
const verifiedModes: readonly string[] = ['prefer', 'require', 'verify-ca'];
const fileParameters: readonly string[] = ['sslrootcert', 'sslcert', 'sslkey'];

/**
 * The URL of the database as the driver takes it: the password from its file, paths beside the configuration file. Undefined
 * for the embedded store. Throws what the file system throws.
 */
export function storeUrl(store: Config['store'], configFile: string | null): string | undefined {
  if (store === 'sqlite') return undefined;
  const { url: text, password } = typeof store === 'string' ? { url: store, password: undefined } : store;
  const url = new URL(text);
  if (password !== undefined) url.password = encodeURIComponent(readSecret(configFile, password.file));
  for (const name of fileParameters) {
    const file = url.searchParams.get(name);
    if (file !== null && configFile !== null) url.searchParams.set(name, resolveBeside(configFile, file));
  }
  // The driver takes these for `verify-full`, and warns of it in many words.
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && verifiedModes.includes(mode)) url.searchParams.set('sslmode', 'verify-full');
  return url.href;
}

/** What can be said of `store` without asking the database. The URL may hold a password and is never quoted. */
export function checkStore(store: Config['store'], context: FileContext): void {
  if (store === 'sqlite') return;
  const [text, at] = typeof store === 'string' ? [store, ['store']] : [store.url, ['store', 'url']];
  const url = URL.parse(text);
  if (url === null) {
    context.report(
      at,
      '`store` is no URL; write `postgres://user@host/database`, for a Unix socket `postgres://user@localhost/database?host=/run/postgresql`',
    );
    return;
  }
  if (url.username === '' && !url.searchParams.has('user'))
    context.report(at, '`store` names no user; write `postgres://user@host/database`');
  const hasPassword = url.password !== '' || url.searchParams.has('password');
  const file = typeof store === 'string' ? undefined : store.password?.file;
  if (hasPassword && file !== undefined)
    context.report(at, 'the password of `store` stands in the URL and in a file; keep the file');
  else if (hasPassword)
    context.report(
      at,
      'the URL in `store` holds a password; `store: { url, password: { file } }` keeps it in a file of its own',
      'warning',
    );
  if (file !== undefined) checkSecretFile(['store', 'password', 'file'], file, context);
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !sslModes.includes(mode)) {
    const nearest = nearestWord(mode, sslModes);
    context.report(
      at,
      `\`${mode}\` is no \`sslmode\`${nearest === undefined ? '' : `; the nearest is \`${nearest}\``}; known: ${sslModes.map((each) => `\`${each}\``).join(', ')}`,
    );
  }
  if (url.searchParams.has('uselibpqcompat'))
    context.report(
      at,
      '`uselibpqcompat` gives `sslmode` its weaker meaning of libpq, which verifies no name and mostly nothing; take it out',
    );
  for (const name of fileParameters) {
    const named = url.searchParams.get(name);
    if (named !== null) (name === 'sslkey' ? checkSecretFile : checkFile)(at, named, context);
  }
}
