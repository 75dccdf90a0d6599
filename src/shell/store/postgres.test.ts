import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { connectionTo } from './postgres.ts';

/** As the driver will have it. */
const tlsTo = (url: string): unknown => (new pg.Client(connectionTo(url)) as unknown as { ssl: unknown }).ssl;

test('a database on another machine is reached over TLS that is verified, in every way its host can be written', () => {
  for (const url of [
    'postgres://n@db.example.com/n',
    'postgresql://n:secret@10.0.0.5:6432/n',
    'postgres://n@[2001:db8::5]/n',
    'postgres://n@localhost/n?host=db.example.com',
    'postgres://n@localhost.example.com/n',
    'postgres://n@db.example.com/n?application_name=x',
  ])
    assert.deepEqual(tlsTo(url), { rejectUnauthorized: true }, url);
});

test('one on this machine needs no TLS, and what the URL says of it counts', () => {
  for (const url of [
    'postgres://n@localhost/n',
    'postgres://n@127.0.0.1:5433/n',
    'postgres://n@[::1]/n',
    'postgres:///n?host=/var/run/postgresql',
    'postgres://n@db.example.com/n?sslmode=disable',
  ])
    assert.equal(tlsTo(url), false, url);
  assert.deepEqual(tlsTo('postgres://n@127.0.0.1/n?sslmode=verify-full'), {});
});
