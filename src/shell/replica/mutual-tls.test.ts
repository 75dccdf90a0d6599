// A gateway on another machine: both sides show certificates of one CA, or nothing is said.
import 'reflect-metadata';

import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import * as x509 from '@peculiar/x509';
import { FollowServer } from '../control/follow.ts';
import { startGatewaySocket } from '../control/gateway-socket.ts';
import { group, makeFollowBench, token, until } from './replica-bench.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

async function makeAuthority(name: string) {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const period = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 600_000) };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...period,
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const issue = async (host: string) => {
    const own = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      ...period,
      subject: `CN=${host}`,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }])],
    });
    const pkcs8 = await crypto.subtle.exportKey('pkcs8', own.privateKey);
    return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
  };
  return { ca: root.toString('pem'), issue };
}

test('over mutual TLS a replica follows; strangers on either side are refused', { timeout: 60_000 }, async () => {
  const bench = await makeFollowBench();
  const [ours, theirs] = await Promise.all([makeAuthority('ours'), makeAuthority('theirs')]);
  const follow = new FollowServer({
    store: bench.store,
    live: bench.live,
    signSnapshot: (statement) => bench.signer.sign(statement),
    onError: () => {},
  });
  const socket = await startGatewaySocket({
    follow,
    handlers: {} as never,
    token,
    describe: () => undefined,
    onError: () => {},
    listen: { host: '127.0.0.1', port: 0, tls: { ca: ours.ca, ...(await ours.issue('control.test')) } },
  });
  const { port } = socket.server.address() as AddressInfo;
  const gateway = await ours.issue('gateway.test');
  const address = { host: '127.0.0.1', port, token };
  const good = { ca: ours.ca, ...gateway, servername: 'control.test' };
  try {
    await bench.store.commit([{ kind: 'group', id: 'ops', body: group('Ops') }]);
    const replica = await bench.startReplica({ control: { ...address, tls: good } });
    await replica.whenFresh();
    assert.equal(replica.table.get('group', 'ops')?.displayName, 'Ops');
    await replica.close();
    const bad = {
      'a gateway of another CA': { ...good, ...(await theirs.issue('gateway.test')) },
      'a control of another CA': { ...good, ca: theirs.ca },
      'a control of another name': { ...good, servername: 'other.test' },
    };
    for (const [name, tls] of Object.entries(bad)) {
      bench.problems.length = 0;
      const stranger = await bench.startReplica({ control: { ...address, tls } });
      await until(() => bench.problems.length > 0);
      assert.equal(bench.problems[0]?.code, 'unreachable', name);
      assert.equal(stranger.state().state, 'never-synced', name);
      await stranger.close();
    }
  } finally {
    await socket.close();
    await bench.end();
  }
});
