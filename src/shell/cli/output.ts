import type { Writable } from 'node:stream';

/** Where a command writes. Values may hold what strangers typed: control characters never reach the terminal. */
export interface Output {
  readonly json: boolean;
  /** The answer: with `--json` the value, else the words made from it. */
  answer(value: unknown, words: string): void;
  /** One line of a stream of answers (NDJSON with `--json`). */
  line(value: unknown, words: string): void;
  /** Words for a person, on stderr. */
  note(words: string): void;
}

export interface OutputOptions {
  readonly json: boolean;
  /** How the person called us: `nullius`, or `bin/nullius` in a checkout. */
  readonly command: string;
}

export function createOutput(
  streams: { readonly stdout: Writable; readonly stderr: Writable },
  { json, command }: OutputOptions,
): Output {
  const emit = (value: unknown, words: string, indent: number | undefined) => {
    if (json) streams.stdout.write(`${terminalJson(value, indent)}\n`);
    else if (words !== '') streams.stdout.write(`${printable(words)}\n`);
  };
  return {
    json,
    answer: (value, words) => emit(value, words, 2),
    line: (value, words) => emit(value, words, undefined),
    note: (words) => streams.stderr.write(`${asTyped(printable(words), command)}\n`),
  };
}

/** Names our commands as the person can type them: where `nullius` is not on the PATH, its words would lead nowhere. */
export function asTyped(words: string, command: string): string {
  return words.replace(/(?<![\w/.-])nullius (?=[a-z<-])/g, () => `${command} `);
}

/** Control characters but new lines, what turns the direction of text, separators of lines and paragraphs, tags: they act instead of being read. */
const acting = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;

/** Replaces characters which could rewrite what a terminal shows. New lines stay. */
export function printable(text: string): string {
  return text.replace(acting, '\ufffd');
}

/** JSON that a terminal can be shown: what would act there is escaped, and still what it was to whoever parses it. */
export function terminalJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(acting, (found) =>
    Array.from({ length: found.length }, (_, at) => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  );
}

/** Rows under headings, columns aligned. Cells are cut at 60 characters. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly (string | number | null | undefined)[])[],
): string {
  const cells = [headings, ...rows].map((row) => row.map((cell) => cut(String(cell ?? '-').replaceAll('\n', ' '))));
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cut(cell: string): string {
  return cell.length <= 60 ? cell : `${cell.slice(0, 59)}…`;
}

/** `2026-01-31 12:00:00Z`, or `-`. */
export function formatTime(ms: number | null | undefined): string {
  return ms === null || ms === undefined
    ? '-'
    : new Date(ms)
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z');
}
