import { Button, Checkbox, Group, Modal, NativeSelect, Stack, Textarea, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useList } from '../../api/queries.ts';
import type { ResourceView, SegmentView } from '../../api/shapes.ts';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { toast } from '../../parts/toast.ts';
import { formatRoutes, readRoutes } from './read-routes.ts';
import { readUpstream } from './read-upstream.ts';

interface SettingsProps {
  readonly app: ResourceView;
  readonly refused: string | undefined;
  readonly reload: () => void;
}

/** Everything about an app that can be changed, in one dialog; saved only if nobody else saved meanwhile. */
export function AppSettings(props: SettingsProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <GuardedButton variant="default" size="xs" refused={props.refused} onPress={() => setOpen(true)}>
        Change
      </GuardedButton>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={`Change ${props.app.displayName || props.app.id}`}
        size="lg"
      >
        <Form {...props} key={props.app.revision} close={() => setOpen(false)} />
      </Modal>
    </>
  );
}

function Form({ app, reload, close }: SettingsProps & { close: () => void }) {
  const segments = useList<SegmentView>('/segments', { limit: 200 });
  const [draft, setDraft] = useState({
    displayName: app.displayName,
    description: app.description,
    upstream: app.upstream,
    segment: app.segment ?? '',
    allowPrivate: app.allowPrivate,
    preserveHost: app.preserveHost,
    requestable: app.requestable,
    corsPreflight: app.corsPreflight,
    crossOriginCookie: app.crossOriginCookie,
  });
  const [routes, setRoutes] = useState(formatRoutes(app.routes));
  const set = (change: Partial<typeof draft>) => setDraft({ ...draft, ...change });
  const isOurs = app.upstream.startsWith('unix:');
  const reading = readUpstream(draft.upstream);
  const routesReading = readRoutes(routes);
  const upstreamProblem = isOurs
    ? undefined
    : reading.state === 'bad' || reading.state === 'never'
      ? reading.words
      : undefined;
  const save = useMutation({
    mutationFn: () => {
      const { upstream, ...rest } = draft;
      const body = {
        ...rest,
        displayName: draft.displayName.trim() || app.id,
        segment: draft.segment === '' ? null : draft.segment,
        ...(isOurs || reading.state !== 'good' ? {} : { upstream: reading.upstream }),
        ...(routesReading.state === 'good' ? { routes: routesReading.routes } : {}),
      };
      return ask(`/resources/${encodeURIComponent(app.id)}`, { method: 'PATCH', body, ifMatch: app.revision });
    },
    onSuccess: async () => {
      await refresh('resources', 'policies', 'me');
      toast('Saved. It holds for the next request already.');
      close();
    },
  });
  const canSave =
    upstreamProblem === undefined && (isOurs || reading.state === 'good') && routesReading.state === 'good';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (canSave) save.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Shown as"
          value={draft.displayName}
          onChange={(event) => set({ displayName: event.currentTarget.value })}
          error={fieldMessage(save.error, 'displayName')}
        />
        <TextInput
          label="Description"
          value={draft.description}
          onChange={(event) => set({ description: event.currentTarget.value })}
        />
        <TextInput
          label="Where it runs"
          value={draft.upstream}
          disabled={isOurs}
          spellCheck={false}
          onChange={(event) => set({ upstream: event.currentTarget.value })}
          error={(fieldMessage(save.error, 'upstream') ?? upstreamProblem)?.replaceAll('`', '')}
        />
        <NativeSelect
          label="Segment"
          description="Rules for a segment, and for those it lies in, hold for every app in it."
          value={draft.segment}
          onChange={(event) => set({ segment: event.currentTarget.value })}
          data={[
            { value: '', label: 'none' },
            ...(segments.items ?? []).map((segment) => ({
              value: segment.id,
              label: segment.displayName || segment.id,
            })),
          ]}
        />
        <Textarea
          label="Routes"
          description="One a line: a path pattern, then the label that policies see. * is one segment, a final ** any rest."
          placeholder={'/admin/** admin\n/api/** api'}
          autosize
          minRows={2}
          maxRows={10}
          classNames={{ input: 'mono' }}
          spellCheck={false}
          value={routes}
          onChange={(event) => setRoutes(event.currentTarget.value)}
          error={routesReading.state === 'bad' ? routesReading.words : fieldMessage(save.error, 'routes')}
        />
        <Checkbox
          label="May connect to private addresses"
          checked={draft.allowPrivate}
          onChange={(event) => set({ allowPrivate: event.currentTarget.checked })}
        />
        <Checkbox
          label="A person who is refused may ask for access"
          checked={draft.requestable}
          onChange={(event) => set({ requestable: event.currentTarget.checked })}
        />
        <Checkbox
          label="Send the browser’s Host header to the app"
          checked={draft.preserveHost}
          onChange={(event) => set({ preserveHost: event.currentTarget.checked })}
        />
        <Checkbox
          label="Let cross-origin preflights pass without a session"
          description="Only the question whether a request would be accepted, never the request."
          checked={draft.corsPreflight}
          onChange={(event) => set({ corsPreflight: event.currentTarget.checked })}
        />
        <Checkbox
          label="Pages of other origins may act as the person signed in here"
          description="Their requests then carry the person’s session, as links always do. The app itself must say who may read and write."
          checked={draft.crossOriginCookie}
          onChange={(event) => set({ crossOriginCookie: event.currentTarget.checked })}
        />
        {save.error !== null && <ProblemAlert error={save.error} onReload={reload} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending} disabled={!canSave}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
