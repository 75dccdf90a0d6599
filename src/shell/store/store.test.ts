import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from './index.ts';
import { storeSuite } from './store-suite.ts';

storeSuite('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nullius-store-'));
  return {
    open: (options) => openStore({ path: join(folder, 'store', 'nullius.sqlite'), clock: Date.now, ...options }),
    end: () => rm(folder, { recursive: true }),
  };
});
