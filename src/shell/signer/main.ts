// The signer process: holds the root keys, the CA key, token and statement keys. Nothing else may.
import { beChild } from '#shell/child';
import { startSigner } from './start-signer.ts';

const child = await beChild('signer');
try {
  const signer = await startSigner(child.handoff);
  child.onStop(() => signer.close());
  for (const notice of signer.notices) child.notice(notice);
  child.ready({ statementKeys: signer.statementKeys, caPem: signer.caPem });
} catch (error) {
  await child.fail(error instanceof Error ? error.message : String(error));
}
