import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUpstream } from './parse-upstream.ts';
import { judgeAddress } from './upstream-address.ts';

const verdicts = {
  public: [
    '1.1.1.1',
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::101:101',
    '2002:101:101::1',
  ],
  private: [
    '10.1.2.3',
    '127.0.0.1',
    '127.255.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.1.1',
    '100.64.0.1',
    '198.18.0.1',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd12::1',
    'fec0::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b:1::a00:1',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '2001:0:101:101:0:0:80ff:fffe',
    'fe80::5efe:10.0.0.1',
    '2001:db8::5efe:7f00:1',
  ],
  forbidden: [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd00:0ec2:0:0:0:0:0:254',
    'fd20:ce::254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '::169.254.169.254',
    '0.0.0.0',
    '0.1.2.3',
    '::',
    '::ffff:0.0.0.0',
    '224.0.0.1',
    'ff02::1',
    '255.255.255.255',
    '240.0.0.1',
    '',
    'localhost',
    '0x7f.1',
    '2130706433',
    '127.1',
    'fe80::1%eth0',
    '[::1]',
    '1.1.1.1 ',
  ],
} as const;

for (const [verdict, addresses] of Object.entries(verdicts)) {
  test(`judgeAddress() calls these ${verdict}`, () => {
    for (const address of addresses) assert.equal(judgeAddress(address), verdict, address);
  });
}

test('judgeAddress() gives an IPv4 address and every IPv6 form that carries it answers of which the carrier is never the laxer', () => {
  const strictness = { public: 0, private: 1, forbidden: 2 };
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      const words = address.split('.').map(Number);
      const hex = (at: number) => ((words[at] ?? 0) * 256 + (words[at + 1] ?? 0)).toString(16);
      for (const carrier of [
        `::ffff:${address}`,
        `::ffff:${hex(0)}:${hex(2)}`,
        `64:ff9b::${hex(0)}:${hex(2)}`,
        `2002:${hex(0)}:${hex(2)}::1`,
        `2001:db8:1::5efe:${hex(0)}:${hex(2)}`,
      ]) {
        assert.ok(
          strictness[judgeAddress(carrier)] >= strictness[judgeAddress(address)],
          `${carrier} is laxer than ${address}`,
        );
      }
    }),
    { numRuns: 2_000 },
  );
});

test('parseUpstream() reads the four kinds and nothing else', () => {
  assert.deepEqual(parseUpstream('http://10.0.0.5:3000'), {
    kind: 'http',
    hostname: '10.0.0.5',
    port: 3000,
    socketPath: '',
    authority: '10.0.0.5:3000',
  });
  assert.deepEqual(parseUpstream('https://[::1]'), {
    kind: 'https',
    hostname: '::1',
    port: 443,
    socketPath: '',
    authority: '[::1]',
  });
  assert.equal(parseUpstream('h2c://app:50051')?.kind, 'h2c');
  assert.equal(parseUpstream('unix:/run/app.sock')?.socketPath, '/run/app.sock');
  for (const text of [
    '',
    'app:3000',
    'ftp://a',
    'http://a/path',
    'http://u:p@a',
    'http://a?x',
    'http://a#x',
    'http://',
    'HTTP://a',
    'unix:run',
    'http://a:0',
    'http://a b',
    ' http://a',
  ]) {
    assert.equal(parseUpstream(text), undefined, text);
  }
});
