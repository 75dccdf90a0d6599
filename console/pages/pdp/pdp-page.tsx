import { Badge, Button } from '@mantine/core';
import { Link } from 'react-router';
import { useAnswer } from '../../api/queries.ts';
import type { PdpCallerView, PdpView } from '../../api/shapes.ts';
import { CopyField } from '../../parts/copy-field.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { ActsAs, Shown } from '../../parts/token-cells.tsx';
import { When } from '../../parts/when.tsx';

const lookEveryMs = 10_000;

/** Where other programs ask for decisions, and who may. */
export function PdpPage() {
  const pdp = useAnswer<PdpView>('/pdp', { refetchMs: lookEveryMs });
  return (
    <Page
      title="PDP"
      lead="Applications, API gateways and proxies ask here what somebody may do, by AuthZEN or as nginx, Caddy, Traefik and Envoy do. Each shows a token or a certificate, and learns only about what its scopes name."
      actions={
        <Button component={Link} to="/tokens">
          Add a caller
        </Button>
      }
    >
      <Await answer={pdp} what="the PDP">
        {(view) => (
          <div className="stack">
            <Panel>
              <div className="stack">
                <CopyField label="From anywhere" value={view.url} />
                {view.listeners.map(({ gateway, url }) => (
                  <CopyField key={gateway} label={`On the machine of ${gateway}`} value={url} />
                ))}
                {view.mutualTls.map(({ gateway, url }) => (
                  <CopyField key={gateway} label={`By client certificate, at ${gateway}`} value={url} />
                ))}
                {view.listeners.length === 0 && (
                  <p className="dim">
                    Programs on a gateway’s own machine can have a listener without TLS: set <code>listen.pdp</code>.
                  </p>
                )}
              </div>
            </Panel>
            <Panel flush>
              <Callers callers={view.callers} />
            </Panel>
          </div>
        )}
      </Await>
    </Page>
  );
}

function Callers({ callers }: { callers: readonly PdpCallerView[] }) {
  if (callers.length === 0) {
    return (
      <Empty title="Nobody may ask yet">
        Create a token with a scope such as <code>pdp:app:wiki</code> for the program or proxy that shall, or give its
        certificate with that scope.
      </Empty>
    );
  }
  return (
    <Rows
      label="Callers"
      rows={callers}
      keyOf={(caller) => caller.id}
      columns={[
        { head: 'Caller', wide: true, cell: (caller) => caller.label },
        { head: 'Acts as', cell: (caller) => <ActsAs token={caller} /> },
        { head: 'Shows', cell: (caller) => <Shown token={caller} /> },
        {
          head: 'May ask about',
          cell: (caller) => (
            <span className="badges">
              {caller.scopes.map((scope) => (
                <Badge key={scope} color={scope === 'pdp' ? 'ochre' : 'gray'}>
                  {scope}
                </Badge>
              ))}
            </span>
          ),
        },
        {
          head: 'Last asked',
          cell: ({ lastUsedAt }) =>
            lastUsedAt === null ? <span className="dim">not lately</span> : <When at={lastUsedAt} />,
        },
        {
          head: 'Ends',
          cell: (caller) =>
            caller.status === 'active' ? <When at={caller.expiresAt} /> : <StateMark state={caller.status} />,
        },
      ]}
    />
  );
}
