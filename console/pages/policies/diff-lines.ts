export interface DiffLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly text: string;
  /** Line number, from 1, in the old text (same, removed) and in the new one (same, added). */
  readonly oldNumber: number | null;
  readonly newNumber: number | null;
}

/** Beyond this many cells the changed middle is shown as removed and added whole, so that no text can freeze the page. */
const cellsMax = 4_000_000;

/** The lines that turn `oldText` into `newText`, by longest common subsequence. */
export function diffLines(oldText: string, newText: string): DiffLine[] {
  const before = splitLines(oldText);
  const after = splitLines(newText);
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end))
    end += 1;
  const middle = changes(before.slice(start, before.length - end), after.slice(start, after.length - end));
  const lines = [
    ...before.slice(0, start).map((text) => ({ kind: 'same' as const, text })),
    ...middle,
    ...before.slice(before.length - end).map((text) => ({ kind: 'same' as const, text })),
  ];
  let oldNumber = 0;
  let newNumber = 0;
  return lines.map(({ kind, text }) => ({
    kind,
    text,
    oldNumber: kind === 'added' ? null : ++oldNumber,
    newNumber: kind === 'removed' ? null : ++newNumber,
  }));
}

function splitLines(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}

function changes(before: readonly string[], after: readonly string[]): { kind: DiffLine['kind']; text: string }[] {
  const width = after.length + 1;
  if ((before.length + 1) * width > cellsMax) {
    return [
      ...before.map((text) => ({ kind: 'removed' as const, text })),
      ...after.map((text) => ({ kind: 'added' as const, text })),
    ];
  }
  // lengths[i * width + j]: the longest common subsequence of before[i..] and after[j..].
  const lengths = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: { kind: DiffLine['kind']; text: string }[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i];
    const fresh = after[j];
    if (old !== undefined && old === fresh) {
      lines.push({ kind: 'same', text: old });
      i += 1;
      j += 1;
    } else if (old !== undefined && (fresh === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: 'removed', text: old });
      i += 1;
    } else if (fresh !== undefined) {
      lines.push({ kind: 'added', text: fresh });
      j += 1;
    }
  }
  return lines;
}

/** Cuts a diff down to its changes with some lines around each; null stands for what was left out. */
export function diffHunks(lines: readonly DiffLine[], around = 3): (DiffLine | null)[] {
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - around), index + around + 1).some((line) => line.kind !== 'same'),
  );
  const hunks: (DiffLine | null)[] = [];
  for (const [index, line] of lines.entries()) {
    if (isNear[index] === true) hunks.push(line);
    else if (hunks.at(-1) !== null) hunks.push(null);
  }
  return hunks;
}
