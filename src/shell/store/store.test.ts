import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fakeDataKeys } from '../../../tests/fakes/data-keys.ts';
import { openStore } from './index.ts';
import { storeSuite } from './store-suite.ts';

storeSuite('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nullius-store-'));
  const dataKeys = fakeDataKeys();
  return {
    open: (options) =>
      openStore({ path: join(folder, 'store', 'nullius.sqlite'), clock: Date.now, dataKeys, ...options }),
    openKeyless: () => openStore({ path: join(folder, 'store', 'nullius.sqlite'), clock: Date.now }),
    end: () => rm(folder, { recursive: true }),
  };
});
