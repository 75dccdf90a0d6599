import { Alert, Button, Checkbox, Group, Stack, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ask } from '../../api/ask.ts';
import { fieldMessage, ProblemError } from '../../api/problem.ts';
import { refresh, useMe } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { ResourceView } from '../../api/shapes.ts';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { toast } from '../../parts/toast.ts';
import { readUpstream, suggestName } from './read-upstream.ts';

/** Protects an app in two fields: what to call it and where it runs. */
export function AddApp({ onAdded, onCancel }: { onAdded: (app: ResourceView) => void; onCancel: () => void }) {
  const me = useMe();
  const refused = useForbidden('resource');
  const [name, setName] = useState('');
  const [upstream, setUpstream] = useState('');
  const [allowPrivate, setAllowPrivate] = useState<boolean | undefined>();
  const reading = readUpstream(upstream);
  const label = suggestName(name);
  const isPrivate = reading.state === 'good' && (reading.place === 'private' || reading.place === 'this-machine');
  // Who types a private address means it; a name may lead anywhere, so there the person decides.
  const mayBePrivate = allowPrivate ?? isPrivate;
  const add = useMutation({
    mutationFn: () => {
      if (reading.state !== 'good') throw new Error('The address is not complete.');
      const displayName = name.trim() === label ? undefined : name.trim();
      return ask<ResourceView>('/resources', {
        method: 'POST',
        body: {
          name: label,
          upstream: reading.upstream,
          allowPrivate: mayBePrivate,
          ...(displayName ? { displayName } : {}),
        },
      });
    },
    onSuccess: async (app) => {
      await refresh('resources', 'me');
      toast(`${app.displayName || app.id} is now behind Nullius. Nobody reaches it until a policy says so.`);
      setName('');
      setUpstream('');
      setAllowPrivate(undefined);
      onAdded(app);
    },
  });
  const url = label === '' ? undefined : me.data?.urls.apps.replace('{app}', label);
  const upstreamError =
    fieldMessage(add.error, 'upstream') ??
    (reading.state === 'bad' || reading.state === 'never' ? reading.words : undefined);
  const hasFieldErrors =
    add.error instanceof ProblemError && ['name', 'upstream'].some((field) => fieldMessage(add.error, field));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (label !== '' && reading.state === 'good' && refused === undefined) add.mutate();
  };
  return (
    <form onSubmit={submit} aria-label="Add an app">
      <Stack gap="sm">
        {refused !== undefined && <Alert color="ochre">{refused}</Alert>}
        <TextInput
          label="Name"
          placeholder="wiki"
          description={url === undefined ? 'What people will type: it becomes the address.' : `People will open ${url}`}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fieldMessage(add.error, 'name')}
          autoComplete="off"
          required
          data-autofocus
          disabled={refused !== undefined}
        />
        <TextInput
          label="Where it runs"
          placeholder="http://localhost:3000"
          description={
            reading.state === 'good' ? reading.words.replaceAll('`', '') : 'The address Nullius forwards to.'
          }
          value={upstream}
          onChange={(event) => setUpstream(event.currentTarget.value)}
          error={upstreamError?.replaceAll('`', '')}
          autoComplete="off"
          inputMode="url"
          spellCheck={false}
          required
          disabled={refused !== undefined}
        />
        {reading.state === 'good' && reading.place !== 'public' && (
          <Checkbox
            label="Let Nullius connect to a private address for this app"
            description={
              isPrivate
                ? 'Private addresses are closed unless you say so, app by app, so that an app’s settings cannot be used to look into your network.'
                : 'Tick this if the name leads to an address in your own network. Without it, such connections are refused.'
            }
            checked={mayBePrivate}
            onChange={(event) => setAllowPrivate(event.currentTarget.checked)}
          />
        )}
        {add.error !== null && !hasFieldErrors && <ProblemAlert error={add.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button
            type="submit"
            loading={add.isPending}
            disabled={label === '' || reading.state !== 'good' || refused !== undefined}
          >
            Protect this app
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
