import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressPrefix } from './address-prefix.ts';

test('addressPrefix() counts a /64 of IPv6 as one, in every spelling, and IPv4 address by address', () => {
  for (const one of ['2001:db8:1:2::1', '2001:DB8:1:2:ffff::', '2001:0db8:0001:0002:3:4:5:6', '2001:db8:1:2::1%eth0']) {
    assert.equal(addressPrefix(one), '2001:db8:1:2::/64');
  }
  assert.equal(addressPrefix('2001:db8:1:3::1'), '2001:db8:1:3::/64');
  assert.equal(addressPrefix('2001:db8::1:2:3:4:5'), '2001:db8:0:1::/64');
  assert.equal(addressPrefix('::1'), '0:0:0:0::/64');
  assert.equal(addressPrefix('fe80::1'), 'fe80:0:0:0::/64');
  assert.equal(addressPrefix('1:2:3:4:5:6:7:8'), '1:2:3:4::/64');
  assert.equal(addressPrefix('1:2:3:4:5:6:7::'), '1:2:3:4::/64');
  assert.equal(addressPrefix('203.0.113.9'), '203.0.113.9');
  for (const one of ['::ffff:203.0.113.9', '::FFFF:203.0.113.9', '::ffff:cb00:7109', '0:0:0:0:0:ffff:cb00:7109']) {
    assert.equal(addressPrefix(one), '203.0.113.9');
  }
  for (const none of ['', 'not an address', '::/0', ':::', '1:2]/x']) assert.equal(addressPrefix(none), none);
});
