// What policies name and is not there: told where policies are checked, published or kept, and refused nowhere.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fakeFactView } from '../../../tests/fakes/fact-view.ts';
import { startTestControl, type TestControl } from '../../../tests/fakes/test-control.ts';
import { missingEntities, missingMax } from './missing-entities.ts';

let control: TestControl;
before(async () => {
  control = await startTestControl();
  for (const name of ['contractors', 'staff']) await admin('POST', '/groups', { name });
  await admin('POST', '/segments', { name: 'pci', sensitivity: 'high' });
});
after(async () => control.stop());

const admin = (method: string, path: string, body?: unknown) =>
  control.call(method, `/api/v1${path}`, body === undefined ? {} : { body });

interface Told {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: string;
  readonly code: string;
  readonly message: string;
  readonly help?: string;
}

const line = ({ file, line, column, severity, message, help }: Told) =>
  `${file}:${line}:${column}: ${severity}: ${message}${help === undefined ? '' : `; ${help}`}`;

const file = (text: string) => ({ file: 'x.cedar', text });
const validate = async (text: string, more: object = {}) => {
  const { body } = await admin('POST', '/policies/validate', { policies: [file(text)], ...more });
  return { valid: body.valid, lines: body.problems.map(line) };
};

test('a group, an app and a segment that are not there are told with policy, place and the name that was meant', async () => {
  const text = `@id("a") // Group::"in-a-comment"
permit (
  principal in Group::"contractrs",
  action == Action::"read",
  resource in Segment::"pcl"
);
@id("b") @description("Group::\\"in-a-string\\"")
forbid (principal, action == Action::"read", resource)
when { resource == App
  :: "wikki" || principal in [Group::"staff", Group::"zzzzzzzzzzzz"] || principal in Group::"zzzzzzzzzzzz" };`;
  assert.deepEqual(await validate(text), {
    valid: true,
    lines: [
      'x.cedar:3:16: warning: policy `a` names `Group::"contractrs"`, and there is no such group now; did you mean `Group::"contractors"`?',
      'x.cedar:5:15: warning: policy `a` names `Segment::"pcl"`, and there is no such segment now; did you mean `Segment::"pci"`?',
      'x.cedar:9:20: warning: policy `b` names `App::"wikki"`, and there is no such app now',
      'x.cedar:10:47: warning: policy `b` names `Group::"zzzzzzzzzzzz"`, and there is no such group now',
    ],
  });
});

test('an invariant is looked at as well, and its place is that of its own text', async () => {
  const invariants = [
    { file: 'x.invariants', text: '@id("i") never (principal in Group::"stuff", action, resource in Segment::"pci");' },
  ];
  const { lines } = await validate('@id("a") permit (principal in Group::"staff", action, resource);', { invariants });
  assert.deepEqual(lines, [
    'x.invariants:1:30: warning: invariant `i` names `Group::"stuff"`, and there is no such group now; did you mean `Group::"staff"`?',
  ]);
});

test('names are those of the parsed policy: escapes, records that look like literals, types with a name of their own', async () => {
  const text = `@id("a") permit (principal in Group::"st\\u{61}ff", action == Action::"read", resource)
when { {"__entity": {type: "Group", id: "made"}}["__entity"].id == "Group::\\"quoted\\"" && principal in Group::"n\\x6f" };`;
  assert.deepEqual((await validate(text)).lines, [
    'x.cedar:2:104: warning: policy `a` names `Group::"no"`, and there is no such group now',
  ]);
});

test('what comes with the program is always there', async () => {
  const { body } = await admin('GET', '/policies/current');
  const { schema, policies, tests, invariants } = body;
  const told = await admin('POST', '/policies/validate', { schema, policies, tests, invariants });
  assert.deepEqual(told.body.problems, []);
  const text = `@id("a") permit (principal in Group::"everyone", action, resource == App::"demo");
@id("b") permit (principal == Workload::"local-operator", action, resource == App::"console");`;
  assert.deepEqual((await validate(text)).lines, []);
});

test('entities of an application are missing only where it keeps others of their type', async () => {
  const { body } = await admin('GET', '/policies/current');
  const shop =
    'namespace Shop { entity Shelf; entity Door in [Shelf]; entity Visitor; action open appliesTo { principal: [Visitor], resource: [Door] }; }';
  const schema = `${body.schema}\n${shop}`;
  assert.equal((await admin('POST', '/policies/publish', { ...pick(body), schema, message: 'shop' })).status, 200);
  const uid = { type: 'Shop::Door', id: 'front' };
  const entities = [{ uid, attrs: {}, parents: [{ type: 'Shop::Shelf', id: 'top' }] }];
  assert.equal((await admin('POST', '/entities', { entities })).status, 200);
  const text = `@id("a") permit (principal == Shop::Visitor::"bob", action == Shop::Action::"open", resource == Shop::Door::"fornt");
@id("b") permit (principal, action == Shop::Action::"open", resource in Shop::Shelf::"top");`;
  assert.deepEqual((await validate(text, { schema })).lines, [
    'x.cedar:1:97: warning: policy `a` names `Shop::Door::"fornt"`, and there is no such entity now; did you mean `Shop::Door::"front"`?',
  ]);
});

const pick = ({ policies, tests, invariants }: Record<string, unknown>) => ({ policies, tests, invariants });

test('publishing and keeping a draft warn, and refuse nothing', async () => {
  const { body } = await admin('GET', '/policies/current');
  const stray = file('@id("x") forbid (principal in Group::"contractrs", action == Action::"delete", resource);');
  const wanted = { ...pick(body), policies: [...body.policies, stray] };
  const warning =
    'x.cedar:1:31: warning: policy `x` names `Group::"contractrs"`, and there is no such group now; did you mean `Group::"contractors"`?';
  const kept = await admin('PUT', '/policies/drafts/tighter', wanted);
  assert.deepEqual([kept.status, kept.body.problems?.map(line)], [200, [warning]]);
  const tested = await admin('POST', '/policies/drafts/tighter/test');
  assert.deepEqual(tested.body.problems.map(line), [warning]);
  const published = await admin('POST', '/policies/publish', { ...wanted, message: 'x' });
  assert.deepEqual([published.status, published.body.warnings?.map(line)], [200, [warning]]);
  const again = await admin('POST', '/policies/publish', { ...wanted, message: 'x' });
  assert.equal(again.body.isNew, false);
  const half = await admin('PUT', '/policies/drafts/half', { policies: [file('permit (')] });
  assert.deepEqual([half.status, half.body.problems?.map(({ severity }: Told) => severity)], [200, ['error']]);
});

test('whoever may read policies alone learns of no name', async () => {
  const text = `@id("a") permit (principal in Group::"contractrs", action, resource in Segment::"pcl");
@id("b") permit (principal == User::"ada", action, resource);`;
  const asked = async (scopes: string[]) => {
    const { body } = await admin('POST', '/tokens', { label: 'test', scopes, lifetimeMs: 3_600_000 });
    const headers = { authorization: `Bearer ${body.token}` };
    const call = { socket: 'web' as const, headers, body: { policies: [file(text)] } };
    const { body: told } = await control.call('POST', '/api/v1/policies/validate', call);
    return told.problems.map(({ message }: Told) => /`([A-Z][a-z]+)::/.exec(message)?.[1]);
  };
  assert.deepEqual(await asked(['policy:read']), []);
  assert.deepEqual(await asked(['policy:read', 'group:read']), ['Group']);
  assert.deepEqual(await asked(['policy:read', 'group:read', 'segment:read', 'user:read']), [
    'Group',
    'Segment',
    'User',
  ]);
});

test('the folder that the configuration names is looked at with the groups of that configuration', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nullius-named-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(import.meta.dirname, '../../../policies'), folder, { recursive: true });
  const text = `@id("a") forbid (principal in Group::"staff", action == Action::"delete", resource);
@id("b") forbid (principal in Group::"saff", action == Action::"delete", resource);`;
  writeFileSync(join(folder, 'x.cedar'), text);
  const configured = await startTestControl({ config: `policies: ${folder}\ngroups: [{ name: staff }]\n` });
  t.after(() => configured.stop());
  assert.deepEqual(
    configured.notices.filter((each) => each.includes('warning')),
    [
      `control: ${folder}/x.cedar:2:31: warning: policy \`b\` names \`Group::"saff"\`, and there is no such group now; did you mean \`Group::"staff"\`?`,
    ],
  );
});

const named = (uids: [type: string, id: string][]) =>
  uids.map(([type, id]) => ({
    uid: { type, id },
    by: 'policy' as const,
    id: 'p',
    file: 'a.cedar',
    line: 1,
    column: 1,
  }));

test('missingEntities() gives the id of a person who is named by their name, and knows groups that only people speak of', () => {
  const view = fakeFactView({
    user: { u1: { name: 'ada', groups: ['from-the-provider'] } },
    token: { t: { owner: { type: 'Workload', id: 'deploy' } } },
    resource: { wiki: { segment: 'only-spoken-of' } },
  });
  const found = missingEntities(view, {
    named: named([
      ['User', 'Ada'],
      ['User', 'u1'],
      ['User', 'grace'],
      ['Group', 'from-the-provider'],
      ['Segment', 'only-spoken-of'],
      ['Workload', 'deploy'],
      ['Workload', 'deplyo'],
      ['Device', 'of-which-nothing-is-known'],
    ]),
    mayRead: () => true,
  });
  assert.deepEqual(
    found.map(({ message, hint }) => [message, hint]),
    [
      [
        'policy `p` names `User::"Ada"`, and there is nobody of this id now',
        'did you mean `User::"u1"`, which is the id of `ada`?',
      ],
      ['policy `p` names `User::"grace"`, and there is nobody of this id now', undefined],
      [
        'policy `p` names `Workload::"deplyo"`, and there is no token that acts as it now',
        'did you mean `Workload::"deploy"`?',
      ],
    ],
  );
});

test('missingEntities() tells no more than people read', () => {
  const many = named(Array.from({ length: 10 * missingMax }, (_, at) => ['Group', `g${at}`]));
  assert.equal(missingEntities(fakeFactView({}), { named: many, mayRead: () => true }).length, missingMax);
});

test('missingEntities() takes no longer for long ids, however many people there are', () => {
  const user = Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`u${at}`, { name: `n${at}`, groups: [] }]));
  const view = fakeFactView({ user });
  const msFor = (length: number) => {
    const ghosts = named(Array.from({ length: missingMax }, (_, at) => ['User', `${at}`.padEnd(length, 'A')]));
    const start = performance.now();
    missingEntities(view, { named: ghosts, mayRead: () => true });
    return performance.now() - start;
  };
  msFor(10);
  assert.ok(msFor(20_000) < 10 * msFor(10) + 500);
});
