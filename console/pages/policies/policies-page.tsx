import { Alert, Badge, Button, Group, Modal, Stack, Tabs, Text, UnstyledButton } from '@mantine/core';
import { useCallback, useEffect, useState } from 'react';
import { useBlocker } from 'react-router';
import { ask } from '../../api/ask.ts';
import { queryClient, useAnswer } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { PolicyProblem, PublicationView } from '../../api/shapes.ts';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { Await } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { When } from '../../parts/when.tsx';
import { Words } from '../../parts/words.tsx';
import { CedarEditor } from './cedar-editor.tsx';
import { CedarText } from './cedar-text.tsx';
import {
  carryOver,
  changesBetween,
  type Draft,
  draftOf,
  kindOf,
  newTextOf,
  schemaName,
  textOf,
  withoutFile,
  withText,
} from './draft.ts';
import { Drafts, type KeptDraft, SaveDraft } from './drafts.tsx';
import { FileList } from './file-list.tsx';
import { History } from './history.tsx';
import { Proofs } from './proofs.tsx';
import { Publish } from './publish.tsx';
import { States } from './states.tsx';
import { DraftTests, Tests } from './tests.tsx';
import { useValidation } from './use-validation.ts';

/** Asks before unsaved work is left behind, inside the console and out of it. */
function LeaveGuard({ isDirty }: { isDirty: boolean }) {
  const blocker = useBlocker(
    ({ currentLocation, nextLocation }) => isDirty && currentLocation.pathname !== nextLocation.pathname,
  );
  useEffect(() => {
    if (!isDirty) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [isDirty]);
  return (
    <Modal opened={blocker.state === 'blocked'} onClose={() => blocker.reset?.()} title="Leave without publishing?">
      <Stack>
        <Text size="sm">
          Your changes to the policies are only in this page. They are lost when you leave it without saving them as a
          draft.
        </Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => blocker.reset?.()} data-autofocus>
            Stay
          </Button>
          <Button color="madder" onClick={() => blocker.proceed?.()}>
            Leave
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function Problems({
  problems,
  onSelect,
}: {
  problems: readonly PolicyProblem[];
  onSelect: (problem: PolicyProblem) => void;
}) {
  return (
    <ul className="plain-list problems">
      {problems.map((problem) => (
        <li key={`${problem.file}:${problem.line}:${problem.column}:${problem.message}`}>
          <UnstyledButton className="problem" onClick={() => onSelect(problem)}>
            <Badge color={problem.severity === 'error' ? 'madder' : 'ochre'}>{problem.severity}</Badge>{' '}
            <span className="dim">
              {problem.file}:{problem.line}:{problem.column}
            </span>{' '}
            <Words>{problem.message}</Words>
            {problem.help !== undefined && (
              <span className="event-words">
                <Words>{problem.help}</Words>
              </span>
            )}
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}

function Editor({ current, reload }: { current: PublicationView; reload: () => Promise<PublicationView | undefined> }) {
  const refused = useForbidden('policy');
  const readOnly = refused !== undefined;
  const [base, setBase] = useState(current);
  const [draft, setDraft] = useState<Draft>(draftOf(current));
  const [selected, setSelected] = useState(current.policies[0]?.file ?? schemaName);
  const [isPublishing, setPublishing] = useState(false);
  const [both, setBoth] = useState<readonly string[]>([]);
  const [goTo, setGoTo] = useState<{ line: number; column: number } | undefined>();
  const [kept, setKept] = useState<KeptDraft | undefined>();
  const [dialog, setDialog] = useState<'save' | 'drafts' | undefined>();
  const validation = useValidation(draft);
  const problems = validation.data?.problems ?? [];
  const changes = changesBetween(draftOf(base), draft);
  const isDirty = changes.length > 0;
  const isUnsaved = isDirty && (kept === undefined || changesBetween(kept.texts, draft).length > 0);
  const text = textOf(draft, selected);
  const errors = problems.filter((problem) => problem.severity === 'error').length;

  const take = useCallback(
    (theirs: PublicationView) => {
      const carried = carryOver(draftOf(base), draft, draftOf(theirs));
      setBase(theirs);
      setDraft(carried.draft);
      setBoth(carried.both);
    },
    [base, draft],
  );
  // Somebody else published, or rolled back under History: nothing of mine stands against it, so take it.
  useEffect(() => {
    if (current.revision !== base.revision && !isDirty) take(current);
  }, [current, base.revision, isDirty, take]);
  // A file that went away with a reload or a discard.
  useEffect(() => {
    if (text === undefined) setSelected(draft.policies[0]?.file ?? schemaName);
  }, [text, draft]);

  const onChange = useCallback(
    (next: string) => setDraft((old) => withText(old, { file: selected, text: next })),
    [selected],
  );
  const cannotPublish =
    refused ??
    (!isDirty
      ? 'Nothing is changed.'
      : errors > 0
        ? 'Mend the errors first.'
        : !validation.isCurrent
          ? 'Still being checked.'
          : undefined);

  return (
    <div className="stack">
      <LeaveGuard isDirty={isUnsaved} />
      {refused !== undefined && <Alert color="gray">{refused} You can read them.</Alert>}
      {current.revision !== base.revision && isDirty && (
        <Alert color="ochre" title={`Policies no. ${current.sequence} were published meanwhile`}>
          <Button size="compact-sm" variant="default" onClick={() => take(current)}>
            Take theirs and keep my changes
          </Button>
        </Alert>
      )}
      {both.length > 0 && (
        <Alert
          color="ochre"
          title="Changed by both of you"
          withCloseButton
          onClose={() => setBoth([])}
          closeButtonLabel="Dismiss"
        >
          Yours is shown in {both.join(', ')}. Look at the difference before you publish: it undoes theirs there.
        </Alert>
      )}
      <div className="editor-bar">
        <span role="status">
          {validation.error !== null ? (
            <Badge color="ochre">not checked</Badge>
          ) : !validation.isCurrent ? (
            <Badge color="gray">checking</Badge>
          ) : errors > 0 ? (
            <Badge color="madder">{errors === 1 ? '1 error' : `${errors} errors`}</Badge>
          ) : (
            <Badge color="verdigris">
              valid{problems.length > 1 ? `, ${problems.length} warnings` : problems.length === 1 ? ', 1 warning' : ''}
            </Badge>
          )}{' '}
          <span className="dim">
            No. {base.sequence}, <When at={base.publishedAt} />
            {kept !== undefined && `, draft ${kept.name}${isUnsaved ? ' with changes' : ''}`}
          </span>
        </span>
        <Group gap="xs">
          {!readOnly && selected !== schemaName && text !== undefined && (
            <Button size="xs" variant="default" onClick={() => setDraft(withoutFile(draft, selected))}>
              Remove file
            </Button>
          )}
          <Button
            size="xs"
            variant="default"
            disabled={!isDirty}
            onClick={() => {
              setDraft(draftOf(base));
              setKept(undefined);
              setBoth([]);
              toast('Your changes are discarded.');
            }}
          >
            Discard changes
          </Button>
          <Button size="xs" variant="default" onClick={() => setDialog('drafts')}>
            Drafts
          </Button>
          <GuardedButton
            size="xs"
            variant="default"
            refused={refused ?? (isUnsaved ? undefined : 'Nothing is changed that is not kept.')}
            onPress={() => setDialog('save')}
          >
            Save draft
          </GuardedButton>
          <GuardedButton size="xs" refused={cannotPublish} onPress={() => setPublishing(true)}>
            Publish
          </GuardedButton>
        </Group>
      </div>
      <div className="editor-grid">
        <FileList
          draft={draft}
          selected={selected}
          changes={changes}
          problems={problems}
          readOnly={readOnly}
          onSelect={setSelected}
          onAdd={(file) => {
            setDraft(withText(draft, { file, text: newTextOf(draft, file) }));
            setSelected(file);
          }}
        />
        <div className="editor-pane">
          {text !== undefined && (
            <CedarEditor
              file={selected}
              text={text}
              problems={problems.filter((problem) => problem.file === selected)}
              readOnly={readOnly}
              onChange={onChange}
              goTo={goTo}
            />
          )}
        </div>
        {selected !== schemaName && (
          <aside className="schema-pane" aria-label="Schema">
            <div className="panel-head">
              <strong>Schema</strong>
              <span className="dim">what policies can speak of</span>
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
            <section className="schema-text" tabIndex={0} aria-label="Schema text">
              <CedarText text={draft.schema} />
            </section>
          </aside>
        )}
      </div>
      {validation.error !== null && (
        <ProblemAlert error={validation.error} onReload={() => void validation.refetch()} />
      )}
      {problems.length > 0 && (
        <Panel title="Problems">
          <Problems
            problems={problems}
            onSelect={(problem) => {
              setSelected(problem.file);
              setGoTo({ line: problem.line, column: problem.column });
            }}
          />
        </Panel>
      )}
      <DraftTests draft={draft} />
      <Proofs
        draft={draft}
        isDirty={changes.some(({ file }) => file === schemaName || kindOf(draft, file) === 'policies')}
      />
      {dialog === 'save' && (
        <SaveDraft opened onClose={() => setDialog(undefined)} draft={draft} kept={kept} onSaved={setKept} />
      )}
      <Drafts
        opened={dialog === 'drafts'}
        onClose={() => setDialog(undefined)}
        cannotOpen={isUnsaved ? 'Save or discard your changes first.' : undefined}
        refused={refused}
        onOpen={(opened) => {
          setKept(opened);
          setDraft(opened.texts);
          setBoth([]);
        }}
        onDiscarded={(name) => {
          if (kept?.name === name) setKept(undefined);
        }}
      />
      <Publish
        opened={isPublishing}
        onClose={() => setPublishing(false)}
        base={base}
        draft={draft}
        changes={changes}
        onPublished={(publication) => {
          setBase(publication);
          setDraft(draftOf(publication));
          setKept(undefined);
          setBoth([]);
        }}
        onReload={async () => {
          const theirs = await reload();
          if (theirs !== undefined) take(theirs);
        }}
      />
    </div>
  );
}

/** The policies in force: read, change, publish, roll back. */
export function PoliciesPage() {
  const [tab, setTab] = useState('editor');
  const answer = useAnswer<PublicationView>('/policies/current', { refetchMs: 30_000 });
  const reload = async () => {
    const fresh = await ask<PublicationView>('/policies/current');
    await queryClient.invalidateQueries({ queryKey: ['policies'] });
    return fresh;
  };
  return (
    <Page
      title="Policies"
      lead="Who may do what, in Cedar. What no policy permits is refused, and a forbid wins over every permit."
    >
      <Await answer={answer} what="the policies">
        {(current) => (
          <Tabs value={tab} onChange={(next) => setTab(next ?? 'editor')} keepMountedMode="display-none">
            <Tabs.List mb="md">
              <Tabs.Tab value="editor">Policies</Tabs.Tab>
              <Tabs.Tab value="states">States</Tabs.Tab>
              <Tabs.Tab value="tests">Tests</Tabs.Tab>
              <Tabs.Tab value="history">History</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="editor">
              <Editor current={current} reload={reload} />
            </Tabs.Panel>
            <Tabs.Panel value="states">{tab === 'states' && <States current={current} />}</Tabs.Panel>
            <Tabs.Panel value="tests">{tab === 'tests' && <Tests current={current} />}</Tabs.Panel>
            <Tabs.Panel value="history">
              <History current={current} />
            </Tabs.Panel>
          </Tabs>
        )}
      </Await>
    </Page>
  );
}
