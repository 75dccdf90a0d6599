// Where the gateway's time goes: every sample of a CPU profile belongs to the innermost room of ours on its stack.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Node {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}

interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The first that matches the innermost frame that any of them matches owns the sample. */
const owners: readonly (readonly [RegExp, string])[] = [
  [/^node:(?:net|tls|_tls_wrap|internal\/stream)/, 'sockets'],
  [
    /enforcement\/gateway\/(?:read-|match-route|header-names|navigation|http1\/(?:request-head|header-table))/,
    'parsing',
  ],
  [
    /gateway\/(?:identify-asker|question-of-request|canonical-location|sites|seen-sessions)|information\/inventory|crypto\/hash/,
    'session',
  ],
  [/src\/decision\/|dist\/decision\//, 'decision'],
  [/shell\/journal|evidence\/log|access-event|internal\/worker/, 'journal'],
  [/enforcement\/gateway|forward-allowed|assertions|wasm:/, 'forwarding'],
];

function ownerOf(stack: readonly Node[]): string {
  const innermost = stack[0]?.callFrame.functionName ?? '';
  if (innermost === '(garbage collector)') return 'garbage collection';
  for (const { callFrame } of stack) {
    const owner = owners.find(([pattern]) => pattern.test(callFrame.url));
    if (owner !== undefined) return owner[1];
  }
  return 'event loop and the rest';
}

/** Share of the main thread's busy time for each part, largest first, from the newest `seconds` of the longest profile. */
export function partsOf(folder: string, seconds: number): { part: string; share: number }[] {
  const profiles = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile);
  const main = profiles.sort((a, b) => b.nodes.length - a.nodes.length)[0];
  if (main === undefined) throw new Error('the gateway wrote no profile');
  const nodes = new Map(main.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    main.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)),
  );
  const owned = new Map<number, string>();
  const partOf = (id: number) => {
    const known = owned.get(id);
    if (known !== undefined) return known;
    const stack: Node[] = [];
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const node = nodes.get(at);
      if (node !== undefined) stack.push(node);
    }
    const owner = ownerOf(stack);
    owned.set(id, owner);
    return owner;
  };
  const totals = new Map<string, number>();
  let left = seconds * 1e6;
  for (let index = main.samples.length - 1; index >= 0 && left > 0; index -= 1) {
    const delta = main.timeDeltas[index] ?? 0;
    const id = main.samples[index] ?? 0;
    left -= delta;
    if (nodes.get(id)?.callFrame.functionName === '(idle)') continue;
    const part = partOf(id);
    totals.set(part, (totals.get(part) ?? 0) + delta);
  }
  const busy = [...totals.values()].reduce((sum, value) => sum + value, 0);
  return [...totals].map(([part, time]) => ({ part, share: time / busy })).sort((a, b) => b.share - a.share);
}
