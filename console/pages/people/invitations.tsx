import { Badge } from '@mantine/core';
import { ask } from '../../api/ask.ts';
import { refresh, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { Invitation } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { When } from '../../parts/when.tsx';

function nameOf(invitation: Invitation): string {
  return invitation.displayName || invitation.name || 'anybody who holds the link';
}

/** Invitations that nobody has used yet. Their links cannot be shown again, only withdrawn. */
export function Invitations() {
  const mayNotRead = useForbidden('invitation', 'read');
  const refused = useForbidden('invitation');
  const invitations = useList<Invitation>('/invitations');
  if (mayNotRead !== undefined) return null;
  return (
    <Panel title="Open invitations" flush>
      <Await answer={{ ...invitations, data: invitations.items }} what="invitations">
        {(items) =>
          items.length === 0 ? (
            <Empty title="None open">An invitation stands here until it is used, ends or is withdrawn.</Empty>
          ) : (
            <Rows
              label="Open invitations"
              rows={items}
              keyOf={(invitation) => invitation.id}
              more={invitations}
              columns={[
                {
                  head: 'For',
                  wide: true,
                  cell: (invitation) => (
                    <>
                      {nameOf(invitation)} {invitation.admin === true && <Badge color="ochre">administrator</Badge>}
                    </>
                  ),
                },
                { head: 'Ends', cell: (invitation) => <When at={invitation.expiresAt} /> },
                {
                  head: 'Action',
                  align: 'end',
                  cell: (invitation) => (
                    <Confirm
                      label="Withdraw"
                      ariaLabel={`Withdraw the invitation for ${nameOf(invitation)}`}
                      title={`Withdraw the invitation for ${nameOf(invitation)}?`}
                      refused={refused}
                      run={async () => {
                        await ask(`/invitations/${encodeURIComponent(invitation.id)}`, { method: 'DELETE' });
                        await refresh('invitations');
                      }}
                      done="The invitation is withdrawn."
                    >
                      The link stops working at once. You can make another at any time.
                    </Confirm>
                  ),
                },
              ]}
            />
          )
        }
      </Await>
    </Panel>
  );
}
