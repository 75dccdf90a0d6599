// The published to-do decisions as bodies for each server: one question a body, and batches of fifty.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesField, grpcFrame } from '#enforcement/adapters';

export const batchSize = 50;

interface Question {
  readonly subject: { readonly type: string; readonly id: string };
  readonly action: { readonly name: string };
  readonly resource: { readonly type: string; readonly id: string; readonly properties?: { readonly ownerID: string } };
}

const root = join(import.meta.dirname, '../..');
const json = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'));

const published = json('tests/vectors/authzen/todo-decisions-authorization-api-1_0-02.json') as {
  evaluation: { request: Question; expected: boolean }[];
};
const people = new Map(
  (
    json('examples/authzen-todo/entities.json') as { uid: { id: string }; attrs: { email: string; roles: string[] } }[]
  ).map(({ uid, attrs }) => [uid.id, attrs]),
);

export const questions = published.evaluation;

/** Fifty questions of one person, who changes from batch to batch; the seven or eight published ones, again and again. */
export function batches(): Question[][] {
  const byPerson = Map.groupBy(questions, ({ request }) => request.subject.id);
  return [...byPerson.values()].map((own) => {
    const asked = own.map(({ request }) => request);
    return Array.from({ length: batchSize }, (_, index) => asked[index % asked.length] as Question);
  });
}

/** The same, no question like another: each asks about a resource of its own. */
export function differentBatches(): Question[][] {
  return batches().map((batch) =>
    batch.map(({ subject, action, resource }, index) => ({
      subject,
      action,
      resource: { ...resource, id: `${resource.id}-${index}` },
    })),
  );
}

export function authzenBody(question: Question): string {
  return JSON.stringify(question);
}

export function authzenBatch(batch: readonly Question[]): string {
  const evaluations = batch.map(({ action, resource }) => ({ action, resource }));
  return JSON.stringify({ subject: batch[0]?.subject, evaluations });
}

/** Cerbos knows no stored principals: who they are travels with every question. */
function cerbosPrincipal(id: string) {
  const { email = '', roles = [] } = people.get(id) ?? {};
  return { id, roles, attr: { email } };
}

export function cerbosBody(batch: readonly Question[]): string {
  return JSON.stringify({
    requestId: 'r',
    principal: cerbosPrincipal(batch[0]?.subject.id ?? ''),
    resources: batch.map(({ action, resource }) => ({
      actions: [action.name],
      resource: { kind: resource.type, id: resource.id, attr: resource.properties ?? {} },
    })),
  });
}

/** `google.protobuf.Value` with a string, in a map entry. */
const attribute = (number: number, name: string, text: string) =>
  bytesField(number, Buffer.concat([bytesField(1, name), bytesField(2, bytesField(3, text))]));

/** `cerbos.request.v1.CheckResourcesRequest`, framed for gRPC. */
export function cerbosMessage(batch: readonly Question[]): Uint8Array {
  const { id, roles, attr } = cerbosPrincipal(batch[0]?.subject.id ?? '');
  const principal = [bytesField(1, id), ...roles.map((role) => bytesField(3, role)), attribute(4, 'email', attr.email)];
  const entries = batch.map(({ action, resource }) => {
    const owner = resource.properties?.ownerID;
    const parts = [bytesField(1, resource.type), bytesField(3, resource.id)];
    if (owner !== undefined) parts.push(attribute(4, 'ownerID', owner));
    return bytesField(4, Buffer.concat([bytesField(1, action.name), bytesField(2, Buffer.concat(parts))]));
  });
  return grpcFrame(Buffer.concat([bytesField(1, 'r'), bytesField(3, Buffer.concat(principal)), ...entries]));
}
