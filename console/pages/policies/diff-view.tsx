import { Badge, Text } from '@mantine/core';
import { CedarLine } from './cedar-text.tsx';
import { diffHunks, diffLines } from './diff-lines.ts';
import type { FileChange } from './draft.ts';

const signs = { same: ' ', added: '+', removed: '−' };
const spoken = { same: '', added: 'added: ', removed: 'removed: ' };

/** What changed, file by file: sign, words for screen readers, and colour. */
export function DiffView({ changes }: { changes: readonly FileChange[] }) {
  if (changes.length === 0) return <Text c="dimmed">No difference.</Text>;
  return changes.map((change) => (
    <section key={change.file} className="diff" aria-label={`Changes in ${change.file}`}>
      <div className="diff-head">
        <strong>{change.file}</strong>
        {change.before === null && <Badge color="verdigris">new</Badge>}
        {change.after === null && <Badge color="madder">removed</Badge>}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <pre className="source" tabIndex={0}>
        {diffHunks(diffLines(change.before ?? '', change.after ?? '')).map((line, index) =>
          line === null ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: gaps have no other identity
            <span key={`gap ${index}`} className="diff-gap">
              {'⋯\n'}
            </span>
          ) : (
            <span key={`${line.oldNumber}:${line.newNumber}`} className="diff-line" data-kind={line.kind}>
              <span aria-hidden>{signs[line.kind]} </span>
              <span className="visually-hidden">{spoken[line.kind]}</span>
              <CedarLine line={line.text} />
              {'\n'}
            </span>
          ),
        )}
      </pre>
    </section>
  ));
}
