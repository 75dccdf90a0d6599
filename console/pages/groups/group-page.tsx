import { Alert, Code, Group, MultiSelect, Select, Textarea, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';
import { ask } from '../../api/ask.ts';
import { refresh, useAnswer, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { GroupView, UserView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Person } from '../../parts/person.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';

function pathOf(id: string): string {
  return `/groups/${encodeURIComponent(id)}`;
}

const afterChange = () => refresh('groups', 'users', 'policies');

function AddMember({ group, refused }: { group: GroupView; refused: string | undefined }) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  const people = useList<UserView>('/users', { q: text, limit: 20 });
  const add = useMutation({
    mutationFn: () => ask(`${pathOf(group.id)}/members/${encodeURIComponent(chosen ?? '')}`, { method: 'PUT' }),
    onSuccess: async () => {
      setChosen(null);
      setText('');
      toast('Added. What policy gives the group is theirs from the next request on.');
      await afterChange();
    },
  });
  return (
    <>
      <div className="toolbar toolbar-inset">
        <Select
          aria-label="Person to add"
          placeholder="Add a person"
          searchable
          clearable
          searchValue={text}
          onSearchChange={setText}
          value={chosen}
          onChange={setChosen}
          nothingFoundMessage="Nobody by that name"
          data={(people.items ?? []).map((user) => ({
            value: user.id,
            label: user.displayName ? `${user.displayName} (${user.name})` : user.name,
          }))}
        />
        <GuardedButton
          variant="default"
          refused={refused}
          disabled={chosen === null}
          loading={add.isPending}
          onPress={() => add.mutate()}
        >
          Add
        </GuardedButton>
      </div>
      {add.error !== null && <ProblemAlert error={add.error} />}
    </>
  );
}

function Edit({
  group,
  opened,
  onClose,
  reload,
}: {
  group: GroupView;
  opened: boolean;
  onClose: () => void;
  reload: () => void;
}) {
  const groups = useList<GroupView>('/groups', { limit: 200 });
  const [displayName, setDisplayName] = useState(group.displayName);
  const [description, setDescription] = useState(group.description);
  const [memberOf, setMemberOf] = useState<string[]>([...group.memberOf]);
  return (
    <FormDialog
      title={`Change ${group.displayName || group.id}`}
      opened={opened}
      onClose={onClose}
      onReload={reload}
      submitLabel="Save"
      run={async () => {
        await ask(pathOf(group.id), {
          method: 'PATCH',
          ifMatch: group.revision,
          body: { displayName: displayName.trim() || group.id, description, memberOf },
        });
        await afterChange();
        toast('Saved.');
      }}
    >
      {() => (
        <>
          <TextInput
            label="Shown as"
            value={displayName}
            onChange={(event) => setDisplayName(event.currentTarget.value)}
          />
          <Textarea
            label="What it is for"
            autosize
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          <MultiSelect
            label="Within"
            description="Members of this group count as members of these."
            data={(groups.items ?? []).map((each) => each.id).filter((id) => id !== group.id)}
            value={memberOf}
            onChange={setMemberOf}
            comboboxProps={{ withinPortal: false }}
          />
        </>
      )}
    </FormDialog>
  );
}

function Detail({ group, reload }: { group: GroupView; reload: () => void }) {
  const navigate = useNavigate();
  const refused = useForbidden('group');
  const [isEditing, setEditing] = useState(false);
  const members = useAnswer<{ items: readonly UserView[] }>(`${pathOf(group.id)}/members`);
  const name = group.displayName || group.id;
  const readOnly = group.origin === 'config' ? 'This group comes from nullius.yaml: change it there.' : undefined;
  const fixed = group.origin === 'builtin' ? 'This group is built in and stays.' : readOnly;
  const all = group.id === 'everyone' ? 'Everybody who enrols is in it, and stays in it.' : undefined;
  return (
    <Page
      title={name}
      lead={group.description || undefined}
      actions={
        <>
          <GuardedButton variant="default" refused={readOnly ?? refused} onPress={() => setEditing(true)}>
            Change
          </GuardedButton>
          <Confirm
            label="Remove"
            size="sm"
            title={`Remove the group ${name}?`}
            refused={fixed ?? refused}
            run={() => ask(pathOf(group.id), { method: 'DELETE', ifMatch: group.revision })}
            onReload={reload}
            onDone={() => {
              void navigate('/groups');
              void afterChange();
            }}
            done={`${name} is removed.`}
          >
            Its members stay, but what policies give to <Code>{`Group::"${group.id}"`}</Code> they lose at once; open
            connections are judged again.
          </Confirm>
        </>
      }
    >
      <div className="stack">
        {readOnly !== undefined && <Alert color="gray">{readOnly}</Alert>}
        <Panel title="In policies">
          <Group gap="sm">
            <Code>{`principal in Group::"${group.id}"`}</Code>
            {group.memberOf.length > 0 && <span className="dim">also within {group.memberOf.join(', ')}</span>}
          </Group>
        </Panel>
        <Panel title="Members" flush>
          {all === undefined && <AddMember group={group} refused={readOnly ?? refused} />}
          <Await answer={members} what="members">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="Nobody yet">Add people above, or invite them straight into the group.</Empty>
              ) : (
                <Rows
                  label="Members"
                  rows={items}
                  keyOf={(user) => user.id}
                  columns={[
                    { head: 'Person', wide: true, cell: (user) => <Person id={user.id} /> },
                    { head: 'Status', cell: (user) => <StateMark state={user.status} /> },
                    {
                      head: 'Action',
                      align: 'end',
                      cell: (user) => (
                        <Confirm
                          label="Take out"
                          ariaLabel={`Take out ${user.displayName || user.name}`}
                          title={`Take ${user.displayName || user.name} out of ${name}?`}
                          refused={all ?? readOnly ?? refused}
                          run={async () => {
                            await ask(`${pathOf(group.id)}/members/${encodeURIComponent(user.id)}`, {
                              method: 'DELETE',
                            });
                            await afterChange();
                          }}
                          done="Taken out."
                        >
                          What policy gives the group they lose at once; what they have open is judged again.
                        </Confirm>
                      ),
                    },
                  ]}
                />
              )
            }
          </Await>
        </Panel>
      </div>
      <Edit key={group.revision} group={group} opened={isEditing} onClose={() => setEditing(false)} reload={reload} />
    </Page>
  );
}

/** One group: who is in it, and how policies name it. */
export function GroupPage() {
  const { id = '' } = useParams();
  const answer = useAnswer<GroupView>(pathOf(id));
  return (
    <Await answer={answer} what="the group">
      {(group) => <Detail group={group} reload={() => void answer.refetch()} />}
    </Await>
  );
}
