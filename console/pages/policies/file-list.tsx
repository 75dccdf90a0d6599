import { Button, Popover, Stack, TextInput, UnstyledButton } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import type { PolicyProblem } from '../../api/shapes.ts';
import { type Draft, type FileChange, fileNameProblem, schemaName } from './draft.ts';

interface FileListProps {
  readonly draft: Draft;
  readonly selected: string;
  readonly changes: readonly FileChange[];
  readonly problems: readonly PolicyProblem[];
  readonly readOnly: boolean;
  readonly onSelect: (file: string) => void;
  readonly onAdd: (file: string) => void;
}

function NewFile({ draft, onAdd }: { draft: Draft; onAdd: (file: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState('');
  const full = name.trim() === '' || name.trim().endsWith('.cedar') ? name.trim() : `${name.trim()}.cedar`;
  const problem = full === '' ? undefined : fileNameProblem(draft, full);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (full === '' || problem !== undefined) return;
    onAdd(full);
    setName('');
    setOpen(false);
  };
  return (
    <Popover opened={isOpen} onChange={setOpen} trapFocus returnFocus position="bottom-start">
      <Popover.Target>
        <Button
          size="xs"
          variant="subtle"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => setOpen(!isOpen)}
        >
          New file
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <Stack gap="xs">
            <TextInput
              label="File name"
              placeholder="finance.cedar"
              value={name}
              error={problem}
              onChange={(event) => setName(event.currentTarget.value)}
              data-autofocus
            />
            <Button type="submit" size="xs" disabled={full === '' || problem !== undefined}>
              Add
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The policy files and the schema; each says whether it changed and whether something is wrong in it. */
export function FileList({ draft, selected, changes, problems, readOnly, onSelect, onAdd }: FileListProps) {
  const files = [...draft.policies.map((policy) => policy.file), schemaName];
  return (
    <nav className="files" aria-label="Policy files">
      <ul className="nav-list">
        {files.map((file) => {
          const isChanged = changes.some((change) => change.file === file);
          const errors = problems.filter((problem) => problem.file === file && problem.severity === 'error').length;
          return (
            <li key={file}>
              <UnstyledButton
                className="nav-link"
                aria-current={file === selected ? 'page' : undefined}
                onClick={() => onSelect(file)}
              >
                <span className="clip">{file}</span>
                {isChanged && (
                  <span className="file-mark" title="changed">
                    ●<span className="visually-hidden"> changed</span>
                  </span>
                )}
                {errors > 0 && (
                  <span className="file-mark" data-kind="error">
                    {errors}
                    <span className="visually-hidden"> {errors === 1 ? 'error' : 'errors'}</span>
                  </span>
                )}
              </UnstyledButton>
            </li>
          );
        })}
      </ul>
      {!readOnly && <NewFile draft={draft} onAdd={onAdd} />}
    </nav>
  );
}
