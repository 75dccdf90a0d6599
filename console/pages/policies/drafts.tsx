import { Code, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { ask } from '../../api/ask.ts';
import { refresh, useAnswer } from '../../api/queries.ts';
import type { DraftSummary, DraftView, Page } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { Person } from '../../parts/person.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { When } from '../../parts/when.tsx';
import type { Draft } from './draft.ts';

/** A draft that the editor holds, as it is kept. */
export interface KeptDraft {
  readonly name: string;
  readonly revision: number;
  readonly message: string;
  readonly texts: Draft;
}

const pathOf = (name: string) => `/policies/drafts/${encodeURIComponent(name)}`;
const namePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const keptOf = ({ id, revision, message, schema, policies, tests, invariants }: DraftView): KeptDraft => ({
  name: id,
  revision,
  message,
  texts: { schema, policies, tests, invariants },
});

interface SaveProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly draft: Draft;
  /** The draft that was opened or saved last. */
  readonly kept: KeptDraft | undefined;
  readonly onSaved: (kept: KeptDraft) => void;
}

/** Keeps what the editor holds under a name. Nothing judges by it. */
export function SaveDraft({ opened, onClose, draft, kept, onSaved }: SaveProps) {
  const [name, setName] = useState(kept?.name ?? '');
  const [message, setMessage] = useState(kept?.message ?? '');
  const isName = namePattern.test(name);
  return (
    <FormDialog
      title="Save as a draft"
      opened={opened}
      onClose={onClose}
      submitLabel="Save draft"
      canSubmit={isName}
      run={async () => {
        const saved = await ask<DraftView>(pathOf(name), {
          method: 'PUT',
          body: { ...draft, message: message.trim() },
          // Another draft of that name is not overwritten unseen.
          ifMatch: name === kept?.name ? kept.revision : 0,
        });
        onSaved(keptOf(saved));
        toast(`The draft ${name} is kept. Nothing judges by it.`);
        await refresh('policies');
      }}
    >
      {() => (
        <>
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={name === '' || isName ? undefined : 'Lower-case letters, digits and -, at most 63.'}
            maxLength={63}
            required
            data-autofocus
          />
          <TextInput
            label="What it is for"
            value={message}
            onChange={(event) => setMessage(event.currentTarget.value)}
            maxLength={500}
          />
        </>
      )}
    </FormDialog>
  );
}

interface DraftsProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly onOpen: (kept: KeptDraft) => void;
  readonly onDiscarded: (name: string) => void;
  /** Why none can be opened now. */
  readonly cannotOpen: string | undefined;
  /** Why none can be discarded. */
  readonly refused: string | undefined;
}

/** The drafts that are kept: open one in the editor, or discard it. */
export function Drafts({ opened, onClose, onOpen, onDiscarded, cannotOpen, refused }: DraftsProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Drafts" size="xl">
      {opened && <DraftRows {...{ onClose, onOpen, onDiscarded, cannotOpen, refused }} />}
    </Modal>
  );
}

function DraftRows({ onClose, onOpen, onDiscarded, cannotOpen, refused }: Omit<DraftsProps, 'opened'>) {
  // There are never more than one page of them.
  const list = useAnswer<Page<DraftSummary>>('/policies/drafts');
  const open = async (name: string) => {
    onOpen(keptOf(await ask<DraftView>(pathOf(name))));
    onClose();
  };
  return (
    <Stack>
      <Text size="sm" c="dimmed">
        Sets of policies, tests and invariants that are kept and judge nothing. They may be unfinished.
      </Text>
      <Await answer={list} what="the drafts">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No draft is kept">
              Change something in the editor and choose Save draft, or run{' '}
              <Code>bin/nullius policy draft save NAME --from policies</Code>.
            </Empty>
          ) : (
            <Rows
              label="Drafts"
              rows={items}
              keyOf={({ id }) => id}
              columns={[
                {
                  head: 'Name',
                  wide: true,
                  cell: ({ id, message }) => (
                    <>
                      {id}
                      {message !== '' && <span className="event-words">{message}</span>}
                    </>
                  ),
                },
                { head: 'By', cell: ({ author }) => <Person id={author} /> },
                { head: 'When', cell: ({ savedAt }) => <When at={savedAt} /> },
                {
                  head: 'Action',
                  align: 'end',
                  cell: ({ id, revision }) => (
                    <>
                      <GuardedButton
                        size="xs"
                        variant="default"
                        refused={cannotOpen}
                        aria-label={`Open ${id}`}
                        onPress={() => void open(id)}
                      >
                        Open
                      </GuardedButton>
                      <Confirm
                        label="Discard"
                        ariaLabel={`Discard ${id}`}
                        title={`Discard the draft ${id}?`}
                        refused={refused}
                        run={async () => {
                          await ask(pathOf(id), { method: 'DELETE', ifMatch: revision });
                          onDiscarded(id);
                          await refresh('policies');
                        }}
                        onReload={() => void refresh('policies')}
                        done={`The draft ${id} is discarded.`}
                      >
                        Its texts are gone then. What is published stays as it is.
                      </Confirm>
                    </>
                  ),
                },
              ]}
            />
          )
        }
      </Await>
    </Stack>
  );
}
