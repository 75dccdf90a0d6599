import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CompactSign } from 'jose';
import type { SignCheckpoint } from '#evidence/log';
import { keepStatementKeys, readStatementKeys, statementKeysFile } from '#shell/journal';
import { appendMany, journalFolder } from '../../../../tests/fakes/journal-folder.ts';

const main = join(import.meta.dirname, '..', 'main.ts');

function nullius(...argv: string[]) {
  const run = spawnSync(process.execPath, [main, ...argv], { encoding: 'utf8', timeout: 240_000 });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

/** A data folder whose journal is signed as the signer does. */
async function dataFolder(t: { after: (end: () => void) => void }, { isSigned = true } = {}) {
  const folder = journalFolder('gateway-1');
  t.after(folder.remove);
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  keepStatementKeys(folder.root, [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'Ed25519' }]);
  const sign: SignCheckpoint = (statement) =>
    new CompactSign(Buffer.from(JSON.stringify(statement)))
      .setProtectedHeader({ alg: 'Ed25519', kid: 'k1', typ: 'nullius-checkpoint+jws' })
      .sign(privateKey);
  const directory = join(folder.root, 'journal', 'gateway-1');
  const { journal } = await folder.open({
    directory,
    verifyNote: async (note) => JSON.parse(atob(note.split('.')[1] ?? '')),
  });
  await appendMany(journal, 30);
  if (isSigned) await journal.checkpoint(sign, { time: 1 });
  await journal.close();
  return { root: folder.root, directory, publicKey };
}

test('log verify claims no signature where no checkpoint was signed yet', async (t) => {
  const { root } = await dataFolder(t, { isSigned: false });
  mkdirSync(join(root, 'journal', 'gateway-2'));
  const { code, out } = nullius('log', 'verify', '--data', root);
  assert.equal(code, 0, out);
  assert.match(out, /gateway-1\s+30\s+0\s+0\s+0\s+whole, not signed yet\ngateway-2\s+0\s+0\s+0\s+0\s+empty/);
  assert.match(out, /No checkpoint was signed yet .* there is no signature to check/);
  assert.doesNotMatch(out, /sound/);
});

test('log verify says sound and what it does not claim; with a pinned checkpoint it claims more; damage exits 1', async (t) => {
  const { root, directory } = await dataFolder(t);
  const sound = nullius('log', 'verify', '--data', root);
  assert.equal(sound.code, 0, sound.err);
  assert.match(sound.out, /gateway-1\s+30\s+0\s+30\s+1\s+sound/);
  assert.match(sound.out, /pin checkpoints elsewhere/);

  const checkpoint = nullius('log', 'checkpoint', '--data', root);
  const pinned = join(root, 'pinned');
  writeFileSync(pinned, checkpoint.out);
  const more = nullius('log', 'verify', '--data', root, '--checkpoint', pinned, '--json');
  assert.equal(more.code, 0, more.err);
  assert.equal(JSON.parse(more.out).isPinned, true);

  const [name] = readdirSync(directory).filter((each) => each.endsWith('.segment'));
  const path = join(directory, name ?? '');
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(3000) ^ 1, 3000);
  writeFileSync(path, bytes);
  const bad = nullius('log', 'verify', '--data', root);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /The journal is not what was written/);
});

test('log verify says what is missing when there is no journal or no key, and refuses a file that is no checkpoint', async (t) => {
  const { root } = await dataFolder(t);
  assert.match(
    nullius('log', 'verify', '--data', join(root, 'none')).err,
    /there is no data folder `.*none`; run this where/,
  );
  const empty = join(root, 'empty');
  mkdirSync(empty);
  assert.match(nullius('log', 'verify', '--data', empty).err, /no statement keys/);
  const refused = nullius('log', 'verify', '--data', root, '--checkpoint', statementKeysFile(root));
  assert.equal(refused.code, 2);
  assert.match(refused.err, /is no checkpoint/);
  assert.equal(nullius('log', 'query', '--since', 'yesterday', '--data', root).code, 2);
});

test('keepStatementKeys() keeps the keys of older checkpoints and never a private one', async (t) => {
  const { root, publicKey } = await dataFolder(t);
  keepStatementKeys(root, [{ ...publicKey.export({ format: 'jwk' }), kid: 'k2', alg: 'Ed25519' }]);
  assert.deepEqual(
    readStatementKeys(statementKeysFile(root)).map((key) => key.kid),
    ['k1', 'k2'],
  );
  writeFileSync(
    join(root, 'private'),
    JSON.stringify({ keys: [{ kty: 'OKP', kid: 'k', alg: 'Ed25519', d: 'secret' }] }),
  );
  assert.throws(() => readStatementKeys(join(root, 'private')), /no set of public keys/);
});
