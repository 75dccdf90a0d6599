import { Code, NativeSelect, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link, useLocation } from 'react-router';
import { ask } from '../../api/ask.ts';
import { fieldMessage } from '../../api/problem.ts';
import { refresh, useList } from '../../api/queries.ts';
import { useForbidden } from '../../api/rights.ts';
import type { ResourceView, SegmentView } from '../../api/shapes.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { GuardedButton } from '../../parts/guarded-button.tsx';
import { StateMark } from '../../parts/marks.tsx';
import { Page, Panel } from '../../parts/page.tsx';
import { Await, Empty } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.ts';
import { suggestName } from '../apps/read-upstream.ts';
import { OriginMark } from '../groups/groups-page.tsx';
import { segmentTree } from './segment-tree.ts';

const sensitivities: readonly { value: SegmentView['sensitivity']; label: string }[] = [
  { value: 'public', label: 'public: anybody may know it' },
  { value: 'low', label: 'low: for our own people' },
  { value: 'medium', label: 'medium: for those whose work it is' },
  { value: 'high', label: 'high: harm if it leaks; gateways cut off from control close it at once' },
];

function SegmentForm(props: {
  segment?: SegmentView;
  all: readonly SegmentView[];
  opened: boolean;
  onClose: () => void;
  reload: () => void;
}) {
  const { segment } = props;
  const [name, setName] = useState(segment?.displayName ?? '');
  const [within, setWithin] = useState(segment?.within ?? '');
  const [sensitivity, setSensitivity] = useState<string>(segment?.sensitivity ?? 'medium');
  const id = segment?.id ?? suggestName(name);
  const body = { displayName: name.trim() || id, within: within === '' ? null : within, sensitivity };
  return (
    <FormDialog
      title={segment === undefined ? 'Add a segment' : `Change ${segment.displayName || segment.id}`}
      opened={props.opened}
      onClose={props.onClose}
      onReload={props.reload}
      canSubmit={id !== ''}
      submitLabel={segment === undefined ? 'Add' : 'Save'}
      run={async () => {
        if (segment === undefined) await ask('/segments', { method: 'POST', body: { name: id, ...body } });
        else await ask(`/segments/${encodeURIComponent(id)}`, { method: 'PATCH', ifMatch: segment.revision, body });
        await refresh('segments', 'resources', 'policies');
        toast('Saved.');
      }}
    >
      {(error) => (
        <>
          <TextInput
            label="Name"
            description={id === '' ? undefined : `In policies: Segment::"${id}"`}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={fieldMessage(error, 'name')}
            required={segment === undefined}
            data-autofocus
          />
          <NativeSelect
            label="Within"
            description="Rules for the outer segment hold in this one too."
            value={within}
            onChange={(event) => setWithin(event.currentTarget.value)}
            error={fieldMessage(error, 'within')}
            data={[
              { value: '', label: 'none' },
              ...props.all
                .filter((each) => each.id !== segment?.id)
                .map((each) => ({ value: each.id, label: each.displayName || each.id })),
            ]}
          />
          <NativeSelect
            label="Sensitivity"
            value={sensitivity}
            onChange={(event) => setSensitivity(event.currentTarget.value)}
            data={[...sensitivities]}
          />
        </>
      )}
    </FormDialog>
  );
}

function SegmentCard(props: {
  segment: SegmentView;
  depth: number;
  apps: readonly ResourceView[];
  all: readonly SegmentView[];
  reload: () => void;
}) {
  const { segment, depth, apps } = props;
  const [isEditing, setEditing] = useState(false);
  const refused = useForbidden('segment');
  const readOnly = segment.origin === 'config' ? 'This segment comes from nullius.yaml: change it there.' : undefined;
  return (
    <li className="segment" style={{ marginInlineStart: `min(${depth * 1.75}rem, ${depth * 5}vw)` }} id={segment.id}>
      <div className="segment-head">
        <div>
          <strong>{segment.displayName || segment.id}</strong> <StateMark state={segment.sensitivity} />
          <OriginMark origin={segment.origin} />
          <div className="dim">
            <Code>{`Segment::"${segment.id}"`}</Code>
            {segment.within !== null && <> within {segment.within}</>}
          </div>
        </div>
        <div className="badges">
          <GuardedButton
            variant="default"
            size="xs"
            refused={readOnly ?? refused}
            onPress={() => setEditing(true)}
            aria-label={`Change ${segment.displayName || segment.id}`}
          >
            Change
          </GuardedButton>
          <Confirm
            label="Remove"
            ariaLabel={`Remove ${segment.displayName || segment.id}`}
            title={`Remove the segment ${segment.displayName || segment.id}?`}
            refused={readOnly ?? refused}
            run={async () => {
              await ask(`/segments/${encodeURIComponent(segment.id)}`, { method: 'DELETE', ifMatch: segment.revision });
              await refresh('segments', 'resources', 'policies');
            }}
            onReload={props.reload}
            done="Removed."
          >
            Rules for it no longer reach the {apps.length} {apps.length === 1 ? 'app' : 'apps'} in it: what they forbade
            may become allowed.
          </Confirm>
        </div>
      </div>
      <div className="segment-apps">
        {apps.length === 0 ? (
          <span className="dim">no app in it</span>
        ) : (
          apps.map((app) => (
            <Link key={app.id} className="link" to={`/apps/${encodeURIComponent(app.id)}`}>
              {app.displayName || app.id}
            </Link>
          ))
        )}
      </div>
      <SegmentForm
        key={segment.revision}
        segment={segment}
        all={props.all}
        opened={isEditing}
        onClose={() => setEditing(false)}
        reload={props.reload}
      />
    </li>
  );
}

/** Segments as they nest, and what lies in each. */
export function SegmentsPage() {
  const [isAdding, setAdding] = useState(false);
  const { hash } = useLocation();
  const refused = useForbidden('segment');
  const segments = useList<SegmentView>('/segments', { limit: 200 });
  const apps = useList<ResourceView>('/resources', { limit: 200 });
  const isHere = segments.items !== undefined;
  useEffect(() => {
    if (isHere && hash !== '')
      document.getElementById(decodeURIComponent(hash.slice(1)))?.scrollIntoView({ block: 'center' });
  }, [isHere, hash]);
  return (
    <Page
      title="Segments"
      lead="A segment holds resources of one sensitivity. Segments nest, and a rule for the outer one holds in the inner."
      actions={
        <GuardedButton refused={refused} onPress={() => setAdding(true)}>
          Add a segment
        </GuardedButton>
      }
    >
      <Await answer={{ ...segments, data: segments.items }} what="segments">
        {(items) => (
          <>
            {items.length === 0 ? (
              <Panel>
                <Empty title="No segment yet">
                  Put apps of one sensitivity together, such as internal or card data, and write one rule for all of
                  them.
                </Empty>
              </Panel>
            ) : (
              <ul className="plain-list">
                {segmentTree(items).map(({ segment, depth }) => (
                  <SegmentCard
                    key={segment.id}
                    segment={segment}
                    depth={depth}
                    all={items}
                    apps={(apps.items ?? []).filter((app) => app.segment === segment.id)}
                    reload={() => void segments.refetch()}
                  />
                ))}
              </ul>
            )}
            <SegmentForm
              all={items}
              opened={isAdding}
              onClose={() => setAdding(false)}
              reload={() => void segments.refetch()}
            />
          </>
        )}
      </Await>
    </Page>
  );
}
