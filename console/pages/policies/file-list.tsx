import { Button, Popover, Stack, TextInput, UnstyledButton } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type FormEvent, useState } from 'react';
import type { PolicyProblem } from '../../api/shapes.ts';
import { type Draft, type FileChange, fileNameProblem, fullName, schemaName } from './draft.ts';

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
  const full = fullName(name);
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
              description="Ends in .cedar, .test.yaml or .invariants."
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

function FileLink({
  file,
  ...props
}: { file: string } & Pick<FileListProps, 'selected' | 'changes' | 'problems' | 'onSelect'>) {
  const { selected, changes, problems, onSelect } = props;
  const isChanged = changes.some((change) => change.file === file);
  const errors = problems.filter((problem) => problem.file === file && problem.severity === 'error').length;
  return (
    <li>
      <UnstyledButton
        className="nav-link"
        aria-current={file === selected ? 'page' : undefined}
        onClick={() => onSelect(file)}
      >
        <span className="clip" title={file}>
          {file}
        </span>
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
}

/** The files of a set by what they are for; each says whether it changed and whether something is wrong in it. */
export function FileList({ draft, readOnly, onAdd, ...props }: FileListProps) {
  const names = (files: Draft['policies']) => files.map(({ file }) => file);
  const groups = [
    { name: 'Policies', files: [...names(draft.policies), schemaName] },
    { name: 'Tests', files: names(draft.tests) },
    { name: 'Invariants', files: names(draft.invariants) },
  ].filter(({ files }) => files.length > 0);
  return (
    <nav className="files" aria-label="Policy files">
      {groups.map(({ name, files }) => (
        <div key={name} className="file-group">
          <h2 className="file-head">{name}</h2>
          <ul className="nav-list" aria-label={name}>
            {files.map((file) => (
              <FileLink key={file} file={file} {...props} />
            ))}
          </ul>
        </div>
      ))}
      {!readOnly && <NewFile draft={draft} onAdd={onAdd} />}
    </nav>
  );
}
