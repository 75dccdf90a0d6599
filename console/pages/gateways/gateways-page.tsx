import { Alert, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useAnswer } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { GatewayView, InvitedGateway, Page as PageOf } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyField } from '../../parts/copy-field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await } from '../../parts/states.tsx';
import { When } from '../../parts/when.tsx';

const lookEveryMs = 5_000;

function stateOf({ status, following }: GatewayView): string {
  if (status === 'invited') return 'invited';
  return following ? 'up' : 'down';
}

function behindWords({ behind }: GatewayView): string {
  if (behind === null) return 'not known';
  if (behind === 0) return 'up to date';
  return behind === 1 ? '1 change behind' : `${behind} changes behind`;
}

function Invite({ refused, onInvited }: { refused: string | undefined; onInvited: (gateway: InvitedGateway) => void }) {
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState('');
  return (
    <>
      <GuardedButton refused={refused} onPress={() => setOpen(true)}>
        Add a gateway
      </GuardedButton>
      <FormDialog
        title="Add a gateway"
        opened={isOpen}
        onClose={() => setOpen(false)}
        submitLabel="Make a token"
        canSubmit={name.trim() !== ''}
        run={async () => {
          onInvited(await ask<InvitedGateway>('/gateways', { method: 'POST', body: { name: name.trim() } }));
          setName('');
          await refresh('gateways');
        }}
      >
        {(error) => (
          <TextInput
            label="Name"
            description="Lower-case letters, digits and hyphens. Its journal carries this name."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={fieldMessage(error, 'name')}
          />
        )}
      </FormDialog>
    </>
  );
}

/** The one-time command of a gateway that was just added. */
function JoinCommand({ of: { name, command, expiresAt } }: { of: InvitedGateway }) {
  return (
    <Alert color="verdigris" title={`Run this on the machine of ${name}`}>
      <Stack gap="xs">
        <CopyField label="Command" value={command} />
        <span>
          It is shown once, works once, and is over <When at={expiresAt} />. Then start it there with
          <code> bin/nullius gateway run</code>.
        </span>
      </Stack>
    </Alert>
  );
}

/** The gateways: who follows, how far behind, and who is invited. */
export function GatewaysPage() {
  const refused = useForbidden('gateway');
  const [invited, setInvited] = useState<InvitedGateway>();
  const gateways = useAnswer<PageOf<GatewayView>>('/gateways', { refetchMs: lookEveryMs });
  return (
    <Page
      title="Gateways"
      lead="Where requests come in. Each holds a copy of the facts, judges by itself, and closes when it loses touch for longer than its lease. Events of one on another machine come here once a minute."
      actions={<Invite refused={refused} onInvited={setInvited} />}
    >
      <div className="stack">
        {invited !== undefined && <JoinCommand of={invited} />}
        <Panel flush>
          <Await answer={gateways} what="gateways">
            {({ items }) => (
              <Rows
                label="Gateways"
                rows={items}
                keyOf={(gateway) => gateway.name}
                columns={[
                  {
                    head: 'Gateway',
                    cell: (gateway) => (
                      <>
                        <span className="strong">{gateway.name}</span>
                        {gateway.status === 'local' && <span className="dim"> beside control</span>}
                      </>
                    ),
                  },
                  { head: 'State', cell: (gateway) => <StateMark state={stateOf(gateway)} /> },
                  {
                    head: 'Facts',
                    cell: (gateway) => (gateway.status === 'invited' ? <Waiting of={gateway} /> : behindWords(gateway)),
                  },
                  { head: 'Journal', cell: (gateway) => <Journal of={gateway} /> },
                  { head: 'Open', cell: (gateway) => gateway.open ?? <span className="dim">not known</span> },
                  { head: 'Version', cell: (gateway) => gateway.version ?? <span className="dim">not known</span> },
                  {
                    head: 'Seen',
                    cell: (gateway) =>
                      gateway.seenAt === null ? <span className="dim">not yet</span> : <When at={gateway.seenAt} />,
                  },
                  {
                    head: 'Action',
                    align: 'end',
                    cell: (gateway) =>
                      gateway.status === 'local' ? null : <Remove gateway={gateway} refused={refused} />,
                  },
                ]}
              />
            )}
          </Await>
        </Panel>
      </div>
    </Page>
  );
}

/** How far control has the journal of one on another machine. */
function Journal({ of: { status, journal } }: { of: GatewayView }) {
  if (status === 'local') return <span className="dim">here</span>;
  if (journal === null) return <span className="dim">nothing came yet</span>;
  const { records, signed, problem } = journal;
  const more = records - (signed?.records ?? 0);
  return (
    <>
      {signed === null ? (
        'nothing signed yet'
      ) : (
        <>
          {signed.records} records, <When at={signed.at} />
        </>
      )}
      {more > 0 && <span className="dim"> and {more} more</span>}
      {problem !== null && <span className="event-words">What it sends is not taken: {problem}</span>}
    </>
  );
}

function Waiting({ of: { tokenExpiresAt } }: { of: GatewayView }) {
  if (tokenExpiresAt === null) return null;
  return (
    <span className="dim">
      token until <When at={tokenExpiresAt} />
    </span>
  );
}

function Remove({ gateway, refused }: { gateway: GatewayView; refused: string | undefined }) {
  return (
    <Confirm
      label="Remove"
      ariaLabel={`Remove the gateway ${gateway.name}`}
      title={`Remove the gateway ${gateway.name}?`}
      refused={refused}
      run={async () => {
        await ask(`/gateways/${encodeURIComponent(gateway.name)}`, { method: 'DELETE' });
        await refresh('gateways');
      }}
      done={`${gateway.name} is removed.`}
    >
      Its connection is cut at once and its certificate counts no more. What is open there ends. To come back it has to
      join again.
    </Confirm>
  );
}
