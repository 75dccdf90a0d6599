// A PDP for tests: the real listener, flow, facts and policies over a real socket; only control and the journal are played.
import { hash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { basename, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type FactRow, formatUid, type Resource, type StoredEntity, type Token, type User } from '#foundation/model';
import { preparedPolicies } from '../../../../tests/published-policies.ts';
import { startTestGate } from '../test-gate.ts';
import { openPdpListener } from './pdp-listener.ts';

const root = join(import.meta.dirname, '../../../..');
const text = (path: string) => readFileSync(join(root, path), 'utf8');

/** The shipped policies with those of the to-do example, and what a test adds. */
export function policiesWithTodo(extra = '', schema = '') {
  const files = [...globSync(join(root, 'policies/*.cedar')).sort(), join(root, 'examples/authzen-todo/todo.cedar')];
  return preparedPolicies({
    sequence: 1,
    schema: `${text('policies/schema.cedarschema')}\n${text('examples/authzen-todo/todo.cedarschema')}\n${schema}`,
    policies: [
      ...files.map((file) => ({ file: basename(file), text: readFileSync(file, 'utf8') })),
      ...(extra === '' ? [] : [{ file: 'extra.cedar', text: extra }]),
    ],
  });
}

type Row = Omit<FactRow, 'revision'>;

/** The stored entities of the to-do example. */
export function todoRows(): Row[] {
  const entities = JSON.parse(text('examples/authzen-todo/entities.json')) as StoredEntity[];
  return entities.map((body) => ({ kind: 'entity', id: formatUid(body.uid), body }));
}

export function tokenRow(id: string, value: string, scopes: readonly string[], changes: Partial<Token> = {}): Row {
  const body: Token = {
    label: id,
    owner: { type: 'Workload', id: 'local-operator' },
    hash: hash('sha256', value, 'base64url'),
    scopes: [...scopes],
    createdAt: 0,
    expiresAt: Date.now() + 3_600_000,
    status: 'active',
    ...changes,
  };
  return { kind: 'token', id, body };
}

export function userRow(id: string, changes: Partial<User> = {}): Row {
  const body: User = {
    name: id,
    displayName: id,
    email: null,
    status: 'active',
    groups: [],
    source: 'local',
    createdAt: 0,
    ...changes,
  };
  return { kind: 'user', id, body };
}

export interface PdpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  readonly json: any;
}

/** A token that may ask and search everything. */
export const everything = 'nls_everything';

export async function startTestPdp(
  t: TestContext,
  options: {
    rows?: readonly Row[];
    policies?: ReturnType<typeof policiesWithTodo>;
    app?: Partial<Resource>;
    /** Control's answers; it is away unless told. */
    call?: NonNullable<Parameters<typeof startTestGate>[1]>['call'];
  } = {},
) {
  const rows = [tokenRow('t-all', everything, ['pdp']), ...todoRows(), ...(options.rows ?? [])];
  const gate = await startTestGate(t, {
    rows,
    policies: options.policies ?? policiesWithTodo(),
    app: options.app ?? {},
    ...(options.call === undefined ? {} : { call: options.call }),
  });
  const listener = await openPdpListener(gate.gate, { host: '127.0.0.1', port: 0 });
  t.after(() => listener.close());
  const send = (
    path: string,
    { method = 'POST', body = '', headers = {} }: { method?: string; body?: string; headers?: Record<string, string> },
  ) =>
    new Promise<PdpAnswer>((resolve, reject) => {
      const sent = httpRequest(
        { host: '127.0.0.1', port: listener.port, path, method, agent: false, headers },
        (response) => {
          let answer = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            answer += chunk;
          });
          response.on('end', () => {
            const isJson = response.headers['content-type'] === 'application/json';
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: answer,
              json: isJson ? JSON.parse(answer) : null,
            });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  const ask = (path: string, body: unknown, { token = everything, ...headers }: Record<string, string> = {}) =>
    send(path, {
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    });
  return { ...gate, port: listener.port, send, pdp: ask };
}
