import {
  Alert,
  Button,
  Checkbox,
  Group,
  Modal,
  MultiSelect,
  NativeSelect,
  Stack,
  Text,
  TextInput,
} from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useList } from '../../api/queries.ts';
import type { GroupView, Invitation } from '../../api/shapes.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { When } from '../../parts/when.tsx';
import { exactTime } from '../../time/relative.ts';

/** Minutes, the longest that the API takes last. */
const lifetimes = [
  { value: '15', label: '15 minutes' },
  { value: '60', label: '1 hour' },
  { value: '1440', label: '1 day' },
  { value: '10080', label: '7 days' },
];

/** Makes an invitation and shows its link, once. */
export function Invite({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Invite a person" size="md">
      <InviteForm onClose={onClose} />
    </Modal>
  );
}

function InviteForm({ onClose }: { onClose: () => void }) {
  const groups = useList<GroupView>('/groups', { limit: 200 });
  const [name, setName] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [chosen, setChosen] = useState<string[]>([]);
  const [isAdmin, setAdmin] = useState(false);
  const [minutes, setMinutes] = useState('15');
  const invite = useMutation({
    mutationFn: () =>
      ask<Invitation>('/invitations', {
        method: 'POST',
        body: {
          name: name.trim().toLowerCase(),
          groups: chosen,
          admin: isAdmin,
          lifetimeMs: Number(minutes) * 60_000,
          ...(displayName.trim() === '' ? {} : { displayName: displayName.trim() }),
        },
      }),
    onSuccess: () => refresh('invitations'),
  });
  if (invite.data?.url !== undefined) return <Made invitation={invite.data} url={invite.data.url} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '') invite.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Login name"
          description="How policies and events name them. Lower-case letters, digits and . _ + @ - inside."
          placeholder="ada"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fieldMessage(invite.error, 'name')}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
          data-autofocus
        />
        <TextInput
          label="Full name"
          value={displayName}
          onChange={(event) => setDisplayName(event.currentTarget.value)}
          error={fieldMessage(invite.error, 'displayName')}
          autoComplete="off"
        />
        <MultiSelect
          label="Groups"
          placeholder={chosen.length === 0 ? 'everyone, always' : ''}
          data={(groups.items ?? [])
            .map((group) => group.id)
            .filter((id) => id !== 'everyone' && id !== 'administrators')}
          value={chosen}
          onChange={setChosen}
          comboboxProps={{ withinPortal: false }}
        />
        <Checkbox
          label="As an administrator"
          description="They can change everything here, policies included."
          checked={isAdmin}
          onChange={(event) => setAdmin(event.currentTarget.checked)}
        />
        <NativeSelect
          label="The link works for"
          data={lifetimes}
          value={minutes}
          onChange={(event) => setMinutes(event.currentTarget.value)}
        />
        {invite.error !== null && <ProblemAlert error={invite.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={invite.isPending} disabled={name.trim() === ''}>
            Make the link
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ invitation, url, onClose }: { invitation: Invitation; url: string; onClose: () => void }) {
  return (
    <Stack gap="sm">
      <Text size="sm">
        Give this link to <strong>{invitation.name ?? 'the person'}</strong> by a way you trust. It works once, and ends{' '}
        <When at={invitation.expiresAt} /> ({exactTime(invitation.expiresAt)}).
      </Text>
      <CopyField label="Invitation link" value={url} />
      <Alert color="ochre">
        It is not shown again. Whoever opens it first becomes {invitation.name ?? 'that person'}.
      </Alert>
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
