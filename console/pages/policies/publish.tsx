import { Alert, Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ProblemError } from '../../api/problem.ts';
import { refresh } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { PublicationView } from '../../api/shapes.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { toast } from '../../parts/toast.ts';
import { Rehearsal } from '../rehearse/rehearsal.tsx';
import { DiffView } from './diff-view.tsx';
import type { Draft, FileChange } from './draft.ts';
import { usePutInForce } from './put-in-force.tsx';

interface PublishProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly base: PublicationView;
  readonly draft: Draft;
  readonly changes: readonly FileChange[];
  readonly onPublished: (publication: PublicationView) => void;
  /** Somebody else published first: take theirs and carry mine over. */
  readonly onReload: () => void;
}

/** The last look: what changes, why, and then it holds everywhere. */
export function Publish({ opened, onClose, base, draft, changes, onPublished, onReload }: PublishProps) {
  const [message, setMessage] = useState('');
  const [reason, setReason] = useState('');
  const mayOverride = useForbidden('policy-override') === undefined;
  const isOverriding = reason.trim() !== '';
  const { put, told } = usePutInForce();
  const publish = useMutation({
    mutationFn: () =>
      put('/policies/publish', {
        body: { ...draft, message: message.trim(), ...(isOverriding ? { override: reason.trim() } : {}) },
        ifMatch: base.revision,
      }),
    onSuccess: async (publication) => {
      onPublished(publication);
      setMessage('');
      setReason('');
      onClose();
      toast(
        publication.isNew
          ? `Policies no. ${publication.sequence} are in force. What was open has been judged again.`
          : `Policies no. ${publication.sequence} say the same already: nothing was published.`,
      );
      await refresh('policies', 'me');
    },
  });
  const isGateClosed = publish.error instanceof ProblemError && publish.error.problem.code === 'gate-closed';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (message.trim() !== '') publish.mutate();
  };
  return (
    <Modal opened={opened} onClose={onClose} title="Publish policies" size="xl">
      <form onSubmit={submit}>
        <Stack>
          <DiffView changes={changes} />
          <Rehearsal draft={draft} />
          <TextInput
            label="What changes, and why"
            description="Stands in the history and in the journal beside your name."
            value={message}
            onChange={(event) => setMessage(event.currentTarget.value)}
            maxLength={500}
            required
            data-autofocus
          />
          <Alert color="gray">
            <Text size="sm">
              It takes effect at once, at every gateway. Connections that are open are judged again, and cut where the
              answer is now no. You can roll back under History.
            </Text>
          </Alert>
          {publish.error !== null && (
            <ProblemAlert
              error={publish.error}
              onReload={() => {
                publish.reset();
                onClose();
                onReload();
              }}
            />
          )}
          {(isGateClosed || isOverriding) && mayOverride && (
            <TextInput
              label="Publish all the same, because"
              description="Overrides the gates that are closed. The reason stands in the history, and the journal has it at high severity."
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
              maxLength={500}
            />
          )}
          {told}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button
              type="submit"
              loading={publish.isPending}
              disabled={message.trim() === ''}
              {...(isOverriding ? { color: 'madder' } : {})}
            >
              {isOverriding ? 'Override and publish' : 'Publish'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
