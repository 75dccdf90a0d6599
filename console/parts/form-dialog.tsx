import { Button, Group, Modal, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent, ReactNode } from 'react';
import { ProblemAlert } from './problem-alert.tsx';

interface FormDialogProps {
  readonly title: string;
  readonly opened: boolean;
  readonly onClose: () => void;
  /** What is sent; throws what the API answered. */
  readonly run: () => Promise<unknown>;
  readonly submitLabel: string;
  readonly canSubmit?: boolean;
  readonly onReload?: () => void;
  /** The fields; `error` holds the last problem, for messages beside them. */
  readonly children: (error: unknown) => ReactNode;
  /** What can be done about the last problem: stands under it. */
  readonly answer?: (error: unknown) => ReactNode;
}

/** A small form in a dialog: sends, closes when it was taken, and otherwise says why not. */
export function FormDialog(props: FormDialogProps) {
  const action = useMutation({ mutationFn: props.run, onSuccess: props.onClose });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (props.canSubmit !== false) action.mutate();
  };
  const close = () => {
    action.reset();
    props.onClose();
  };
  return (
    <Modal opened={props.opened} onClose={close} title={props.title}>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {props.children(action.error)}
          {action.error !== null && (
            <ProblemAlert
              error={action.error}
              {...(props.onReload === undefined ? {} : { onReload: props.onReload })}
            />
          )}
          {props.answer?.(action.error)}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" loading={action.isPending} disabled={props.canSubmit === false}>
              {props.submitLabel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
