import { Badge, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'react-router';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { GroupView } from '../../api/shapes.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { suggestName } from '../apps/read-upstream.ts';

/** Where a group, segment or app came from, when that was not here. */
export function OriginMark({ origin }: { origin: 'builtin' | 'config' | 'api' }) {
  if (origin === 'api') return null;
  return (
    <Badge ml="xs" color="gray" size="xs">
      {origin === 'config' ? 'from nullius.yaml' : 'built in'}
    </Badge>
  );
}

function AddGroup({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const id = suggestName(name);
  return (
    <FormDialog
      title="Add a group"
      opened={opened}
      onClose={onClose}
      canSubmit={id !== ''}
      submitLabel="Add"
      run={async () => {
        await ask('/groups', {
          method: 'POST',
          body: { name: id, displayName: name.trim(), description: description.trim() },
        });
        await refresh('groups');
        toast(`Group ${id} is there. Policies name it Group::"${id}".`);
        setName('');
        setDescription('');
      }}
    >
      {(error) => (
        <>
          <TextInput
            label="Name"
            description={id === '' ? 'What policies call it is made from this.' : `In policies: Group::"${id}"`}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={fieldMessage(error, 'name')}
            required
            data-autofocus
          />
          <Textarea
            label="What it is for"
            autosize
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
        </>
      )}
    </FormDialog>
  );
}

/** Every group. */
export function GroupsPage() {
  const [isAdding, setAdding] = useState(false);
  const refused = useForbidden('group');
  const groups = useList<GroupView>('/groups');
  return (
    <Page
      title="Groups"
      lead="Policies speak of groups, so that a person joining or leaving changes nothing but facts."
      actions={
        <GuardedButton refused={refused} onPress={() => setAdding(true)}>
          Add a group
        </GuardedButton>
      }
    >
      <Panel flush>
        <Await answer={{ ...groups, data: groups.items }} what="groups">
          {(items) =>
            items.length === 0 ? (
              <Empty title="No group yet">Add one for each role that shall reach something others shall not.</Empty>
            ) : (
              <Rows
                label="Groups"
                rows={items}
                keyOf={(group) => group.id}
                more={groups}
                columns={[
                  {
                    head: 'Group',
                    cell: (group) => (
                      <>
                        <Link className="link strong" to={`/groups/${encodeURIComponent(group.id)}`}>
                          {group.displayName || group.id}
                        </Link>
                        <OriginMark origin={group.origin} />
                      </>
                    ),
                  },
                  {
                    head: 'For',
                    wide: true,
                    cell: (group) => group.description || <span className="dim">not said</span>,
                  },
                  {
                    head: 'Within',
                    cell: (group) =>
                      group.memberOf.length === 0 ? <span className="dim">none</span> : group.memberOf.join(', '),
                  },
                ]}
              />
            )
          }
        </Await>
      </Panel>
      <AddGroup opened={isAdding} onClose={() => setAdding(false)} />
    </Page>
  );
}
