import { Button, type ButtonProps, Tooltip } from '@mantine/core';
import { type ReactNode, useId } from 'react';

interface GuardedButtonProps extends ButtonProps {
  /** Why this cannot be pressed now; the button stays reachable and says so. */
  readonly refused?: string | undefined;
  readonly onPress: () => void;
  readonly children: ReactNode;
}

/** A button that, when it may not be pressed, stays in place, keeps the keyboard's focus and tells why. */
export function GuardedButton({ refused, onPress, children, ...rest }: GuardedButtonProps) {
  const reasonId = useId();
  if (refused === undefined) {
    return (
      <Button {...rest} onClick={onPress}>
        {children}
      </Button>
    );
  }
  return (
    <>
      <Tooltip label={refused}>
        <Button
          {...rest}
          data-disabled
          aria-disabled="true"
          aria-describedby={reasonId}
          onClick={(event) => event.preventDefault()}
        >
          {children}
        </Button>
      </Tooltip>
      <span id={reasonId} hidden>
        {refused}
      </span>
    </>
  );
}
