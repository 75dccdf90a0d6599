import { Code } from '@mantine/core';
import { ask } from '../../api/ask.ts';
import { refresh, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { KeyView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await } from '../../parts/states.tsx';
import { When } from '../../parts/when.tsx';

const purposes: Readonly<Record<KeyView['purpose'], { readonly name: string; readonly use: string }>> = {
  token: { name: 'Tokens', use: 'Sign-in, and the identity that apps get with every request' },
  statement: { name: 'Statements', use: 'Snapshots for gateways, publications, journal checkpoints' },
  ca: { name: 'Our CA', use: 'TLS certificates of the hosts that gateways serve' },
  'peer-ca': { name: 'CA between our processes', use: 'Control and gateways on other machines know each other by it' },
};

async function rotate(leaked: boolean): Promise<void> {
  await ask('/keys/rotate-token', { method: 'POST', body: { leaked } });
  await refresh('keys');
}

function Rotation() {
  const refused = useForbidden('key');
  return (
    <>
      <Confirm
        label="Rotate the token key"
        size="sm"
        tone="plain"
        title="Rotate the token key?"
        refused={refused}
        run={() => rotate(false)}
        done="A new token key is announced."
      >
        A new key is shown to apps at once and signs in ten minutes. What the old one signed is good for a day after
        that. Nobody is signed out.
      </Confirm>
      <Confirm
        label="Replace a leaked key"
        size="sm"
        title="Replace the token key now?"
        refused={refused}
        run={() => rotate(true)}
        done="The old token key counts no more."
      >
        What the old key signed is refused from now on. Apps that keep our key set must fetch it again before they
        believe anybody. Sessions go on.
      </Confirm>
    </>
  );
}

/** The keys that the signer holds: what for, how old, and whether they sign. */
export function KeysPage() {
  const keys = useList<KeyView>('/keys');
  return (
    <Page
      title="Keys"
      lead="Held by the signer alone, wrapped under the root key. No other process can read them, this page neither."
      actions={<Rotation />}
    >
      <Panel flush>
        <Await answer={{ ...keys, data: keys.items }} what="keys">
          {(items) => (
            <Rows
              label="Keys"
              rows={items}
              keyOf={(key) => `${key.purpose} ${key.id}`}
              columns={[
                {
                  head: 'Signs',
                  wide: true,
                  cell: (key) => (
                    <>
                      <span className="strong">{purposes[key.purpose].name}</span>
                      <span className="reach-because">{purposes[key.purpose].use}</span>
                    </>
                  ),
                },
                { head: 'Id', cell: (key) => <Code title={key.id}>{key.id.slice(0, 12)}</Code> },
                { head: 'Algorithm', cell: (key) => key.algorithm },
                { head: 'Made', cell: (key) => <When at={key.createdAt} /> },
                { head: 'State', cell: (key) => <KeyState of={key} /> },
              ]}
            />
          )}
        </Await>
      </Panel>
    </Page>
  );
}

function KeyState({ of: { state, signsFrom, shownUntil } }: { of: KeyView }) {
  return (
    <span>
      <StateMark state={state} />
      {state === 'announced' && (
        <span className="dim">
          {' '}
          signs <When at={signsFrom} />
        </span>
      )}
      {shownUntil !== null && state === 'retiring' && (
        <span className="dim">
          {' '}
          gone <When at={shownUntil} />
        </span>
      )}
    </span>
  );
}
