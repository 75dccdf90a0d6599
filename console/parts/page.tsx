import { Group, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';

/** Heading, one line of help and actions of a page; sets the document's title. */
export function Page(props: { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${props.title} · Nullius`;
  }, [props.title]);
  return (
    <>
      <header className="page-head">
        <div>
          <Title order={1} tabIndex={-1} data-page-heading>
            {props.title}
          </Title>
          {props.lead !== undefined && (
            <Text c="dimmed" size="sm" component="div" maw={720}>
              {props.lead}
            </Text>
          )}
        </div>
        {props.actions !== undefined && <Group gap="xs">{props.actions}</Group>}
      </header>
      {props.children}
    </>
  );
}

/** A titled part of a page on its own surface. */
export function Panel(props: { title?: string; aside?: ReactNode; children: ReactNode; flush?: boolean; id?: string }) {
  return (
    <section className="panel" data-flush={props.flush === true || undefined} aria-label={props.title} id={props.id}>
      {props.title !== undefined && (
        <div className="panel-head">
          <Title order={2}>{props.title}</Title>
          {props.aside}
        </div>
      )}
      <div className="panel-body">{props.children}</div>
    </section>
  );
}
