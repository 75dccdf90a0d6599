import 'reflect-metadata';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { makeKeyAndRequest, readIdentity, writeIdentity } from '#shell/enrolment';
import type { CallControl } from './control-client.ts';
import { linkToControl } from './control-link.ts';

const dayMs = 24 * 3_600_000;
/** How often the link looks at its certificate. */
const lookMs = 600_000;
const start = Date.parse('2026-03-01');

/** A certificate for thirty days. */
async function certificateFrom(from: number): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [notBefore, notAfter] = [new Date(from), new Date(from + 30 * dayMs)];
  const made = { name: 'CN=edge', notBefore, notAfter, keys, signingAlgorithm: algorithm };
  return (await x509.X509CertificateGenerator.createSelfSigned(made)).toString('pem');
}

/** A gateway that joined on the first of March. */
async function joined(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-link-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'identity.json');
  const cert = await certificateFrom(start);
  const { keyPem } = makeKeyAndRequest(['edge']);
  const urls = { domain: 'example.test', appsDomain: 'example.test', scheme: 'https', port: null } as const;
  const identity = {
    ...{ name: 'edge', chainPem: cert, caPem: cert, keyPem, urls, statementKeys: [{}] },
    control: { host: '127.0.0.1', port: 8444 },
  };
  await writeIdentity(path, { identity, isNew: true });
  return { path, identity };
}

test('a gateway elsewhere renews its certificate by itself after a third of its life, keeps it, and shows it from then on', async (t) => {
  const { path, identity } = await joined(t);
  t.mock.timers.enable({ apis: ['setInterval', 'Date'], now: start + dayMs });
  const fresh = await certificateFrom(start + 10 * dayMs);
  const notices: string[] = [];
  const link = linkToControl({ identityFile: path }, { clock: Date.now, notice: (line) => notices.push(line) });
  const asked: unknown[] = [];
  let isAway = true;
  const call = (async (name: string, request: unknown) => {
    asked.push([name, request]);
    if (isAway) throw new Error('control is away');
    return { ...identity, chainPem: fresh, caPem: fresh };
  }) as CallControl;
  const shown = () => ('tls' in link.address ? link.address.tls().cert : undefined);
  const stop = link.keepFresh(call);
  /** What follows a call ends a few turns later, files written. */
  const settled = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  };

  t.mock.timers.tick(8 * dayMs);
  assert.deepEqual(asked, [], 'not due yet');
  t.mock.timers.tick(dayMs + lookMs);
  await settled(() => notices.length > 0);
  assert.match(notices[0] ?? '', /could not be renewed: control is away/);
  assert.equal(shown(), identity.chainPem, 'the old one serves on');

  isAway = false;
  const before = asked.length;
  t.mock.timers.tick(lookMs);
  await settled(() => shown() === fresh);
  assert.equal(asked.length, before + 1);
  await settled(() => readIdentity(path)?.chainPem === fresh);
  assert.equal(readIdentity(path)?.keyPem, identity.keyPem);
  t.mock.timers.tick(5 * dayMs);
  assert.equal(asked.length, before + 1, 'the fresh one is not due');

  stop();
  t.mock.timers.tick(20 * dayMs);
  assert.equal(asked.length, before + 1, 'nothing looks any more');
});
