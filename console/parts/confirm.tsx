import { Button, Group, Modal, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { GuardedButton } from './guarded-button.tsx';
import { ProblemAlert } from './problem-alert.tsx';
import { toast } from './toast.ts';

interface ConfirmProps {
  /** The words on the button that opens the question, and on the one that does it. */
  readonly label: string;
  readonly title: string;
  /** What follows from it, in plain words. */
  readonly children: ReactNode;
  readonly run: () => Promise<unknown>;
  readonly done: string;
  readonly onReload?: () => void;
  readonly refused?: string | undefined;
  readonly tone?: 'danger' | 'plain';
  readonly size?: string;
  readonly onDone?: () => void;
  readonly ariaLabel?: string;
}

/** A button that asks before it acts, says what will follow, and shows why when it failed. */
export function Confirm(props: ConfirmProps) {
  const [isOpen, setOpen] = useState(false);
  const action = useMutation({
    mutationFn: props.run,
    onSuccess: () => {
      setOpen(false);
      toast(props.done);
      props.onDone?.();
    },
  });
  const color = props.tone === 'plain' ? 'verdigris' : 'madder';
  return (
    <>
      <GuardedButton
        variant="default"
        size={props.size ?? 'xs'}
        refused={props.refused}
        {...(props.ariaLabel === undefined ? {} : { 'aria-label': props.ariaLabel })}
        onPress={() => {
          action.reset();
          setOpen(true);
        }}
      >
        {props.label}
      </GuardedButton>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={props.title}>
        <Stack>
          <div>{props.children}</div>
          {action.error !== null && (
            <ProblemAlert
              error={action.error}
              {...(props.onReload === undefined
                ? {}
                : {
                    onReload: () => {
                      props.onReload?.();
                      action.reset();
                      setOpen(false);
                    },
                  })}
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setOpen(false)} data-autofocus>
              Cancel
            </Button>
            <Button color={color} loading={action.isPending} onClick={() => action.mutate()}>
              {props.label}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  );
}
