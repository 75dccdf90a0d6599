import {
  Alert,
  Badge,
  Button,
  Code,
  FileButton,
  Group,
  Modal,
  MultiSelect,
  NativeSelect,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Link } from 'react-router';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { ResourceView, TokenView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { CopyField } from '../../parts/copy-field.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Rows } from '../../parts/rows.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { ActsAs, Shown } from '../../parts/token-cells.tsx';
import { When } from '../../parts/when.tsx';
import { exactTime } from '../../time/relative.ts';
import { certificateIn } from './certificate-in.ts';
import { isPdpScope, scopeChoices } from './scope-choices.ts';

const hourMs = 3_600_000;
const lifetimes = [
  { value: String(hourMs), label: '1 hour' },
  { value: String(24 * hourMs), label: '1 day' },
  { value: String(7 * 24 * hourMs), label: '1 week' },
  { value: String(30 * 24 * hourMs), label: '30 days' },
  { value: String(90 * 24 * hourMs), label: '90 days' },
];

type Made = TokenView & { readonly token: string | null };

/** What to do with what was made: its value, or that there is none. */
function Made({ made, onClose }: { made: Made; onClose: () => void }) {
  const ends = (
    <>
      It ends <When at={made.expiresAt} /> ({exactTime(made.expiresAt)}).
    </>
  );
  return (
    <Stack gap="sm">
      {made.token === null ? (
        <>
          <Alert color="verdigris">
            Whoever shows a certificate of this key may ask; there is no secret to hand out. {ends}
          </Alert>
          <Text size="sm">
            Where to ask is on the page{' '}
            <Link className="link" to="/pdp">
              PDP
            </Link>
            .
          </Text>
        </>
      ) : (
        <>
          <CopyField label="Token" value={made.token} />
          <Alert color="ochre">It is not shown again: only its hash is kept. {ends}</Alert>
          <Text size="sm">
            Programs send it as <Code>Authorization: Bearer …</Code>; the command line reads <Code>NULLIUS_TOKEN</Code>.
          </Text>
        </>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}

interface CertificateFieldProps {
  readonly pem: string;
  readonly onChange: (pem: string) => void;
  readonly isAmiss: boolean;
}

/** A certificate by which a caller of the PDP is known instead of a token. */
function CertificateField({ pem, onChange, isAmiss }: CertificateFieldProps) {
  const take = (file: File | null) => void file?.text().then(onChange, () => onChange(''));
  return (
    <Stack gap={4}>
      <Textarea
        label="Its certificate, instead of a token"
        description="PEM, whoever issued it: no secret is made, and what holds its key asks by mutual TLS (listen.pdpTls). A key beside it is left out here."
        placeholder="-----BEGIN CERTIFICATE-----"
        value={pem}
        onChange={(event) => onChange(event.currentTarget.value)}
        error={isAmiss && 'There is no certificate in it. It begins with -----BEGIN CERTIFICATE-----.'}
        spellCheck={false}
        autosize
        minRows={2}
        maxRows={6}
      />
      <Group justify="flex-end">
        <FileButton accept=".pem,.crt,.cer" onChange={take}>
          {(props) => (
            <Button {...props} variant="default" size="xs">
              Read it from a file
            </Button>
          )}
        </FileButton>
      </Group>
    </Stack>
  );
}

function CreateToken({ onClose }: { onClose: () => void }) {
  const apps = useList<ResourceView>('/resources', { limit: 200 });
  const [label, setLabel] = useState('');
  const [scopes, setScopes] = useState<string[]>([]);
  const [lifetime, setLifetime] = useState(String(24 * hourMs));
  const [pem, setPem] = useState('');
  // Only the PDP takes one.
  const isCaller = scopes.length > 0 && scopes.every(isPdpScope);
  const certificate = isCaller ? certificateIn(pem) : undefined;
  const isPemAmiss = isCaller && pem.trim() !== '' && certificate === undefined;
  const create = useMutation({
    mutationFn: () =>
      ask<Made>('/tokens', {
        method: 'POST',
        body: {
          label: label.trim(),
          scopes,
          lifetimeMs: Number(lifetime),
          ...(certificate === undefined ? {} : { certificate }),
        },
      }),
    onSuccess: () => Promise.all([refresh('tokens'), refresh('pdp')]),
  });
  if (create.data !== undefined) return <Made made={create.data} onClose={onClose} />;
  const isReady = label.trim() !== '' && scopes.length > 0 && !isPemAmiss;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) create.mutate();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="What uses it"
          placeholder="backup job on build-7"
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
          error={fieldMessage(create.error, 'label')}
          required
          data-autofocus
        />
        <MultiSelect
          label="What it may do"
          description="It acts as you, but never beyond these, and never beyond what policy lets you do yourself."
          data={scopeChoices((apps.items ?? []).map((app) => app.id))}
          value={scopes}
          onChange={setScopes}
          error={fieldMessage(create.error, 'scopes')}
          searchable
          comboboxProps={{ withinPortal: false }}
          required
        />
        <NativeSelect
          label="For how long"
          value={lifetime}
          onChange={(event) => setLifetime(event.currentTarget.value)}
          data={lifetimes}
        />
        {isCaller && (
          <CertificateField pem={pem} onChange={(text) => setPem(certificateIn(text) ?? text)} isAmiss={isPemAmiss} />
        )}
        {scopes.includes('admin') && (
          <Alert color="ochre">With this token a program can change everything you can.</Alert>
        )}
        {create.error !== null && <ProblemAlert error={create.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending} disabled={!isReady}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Tokens of programs that cannot sign in. */
export function TokensPage() {
  const [isCreating, setCreating] = useState(false);
  const refused = useForbidden('token');
  const tokens = useList<TokenView>('/tokens');
  return (
    <Page
      title="Tokens"
      lead="For programs that cannot sign in: git, CI, scripts. Narrow, short-lived, and judged by policy on every request like anybody."
      actions={
        <GuardedButton refused={refused} onPress={() => setCreating(true)}>
          Create a token
        </GuardedButton>
      }
    >
      <Panel flush>
        <Await answer={{ ...tokens, data: tokens.items }} what="tokens">
          {(items) =>
            items.length === 0 ? (
              <Empty title="No token yet">
                People need none. Create one when a program has to reach an app or this API.
              </Empty>
            ) : (
              <Rows
                label="Tokens"
                rows={items}
                keyOf={(token) => token.id}
                more={tokens}
                columns={[
                  { head: 'For', wide: true, cell: (token) => token.label },
                  { head: 'Shows', cell: (token) => <Shown token={token} /> },
                  { head: 'Acts as', cell: (token) => <ActsAs token={token} /> },
                  {
                    head: 'May',
                    cell: (token) => (
                      <span className="badges">
                        {token.scopes.map((scope) => (
                          <Badge key={scope} color={scope === 'admin' ? 'ochre' : 'gray'}>
                            {scope}
                          </Badge>
                        ))}
                      </span>
                    ),
                  },
                  { head: 'Created', cell: (token) => <When at={token.createdAt} /> },
                  {
                    head: 'Ends',
                    cell: (token) =>
                      token.status === 'active' ? <When at={token.expiresAt} /> : <StateMark state={token.status} />,
                  },
                  {
                    head: 'Action',
                    align: 'end',
                    cell: (token) =>
                      token.status === 'active' ? (
                        <Confirm
                          label="Revoke"
                          ariaLabel={`Revoke the token for ${token.label}`}
                          title={`Revoke the token for ${token.label}?`}
                          refused={refused}
                          run={async () => {
                            await ask(`/tokens/${encodeURIComponent(token.id)}/revoke`, { method: 'POST', body: {} });
                            await refresh('tokens');
                          }}
                          done="The token is revoked."
                        >
                          The program that holds it is refused from its next request on, and connections it has open are
                          cut.
                        </Confirm>
                      ) : null,
                  },
                ]}
              />
            )
          }
        </Await>
      </Panel>
      <Modal opened={isCreating} onClose={() => setCreating(false)} title="Create a token">
        <CreateToken onClose={() => setCreating(false)} />
      </Modal>
    </Page>
  );
}
