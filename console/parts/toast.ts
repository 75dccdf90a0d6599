import { notifications } from '@mantine/notifications';

/** Says in the corner that something was done. Failures are not toasts: they stand where they happened, and stay. */
export function toast(message: string): void {
  notifications.show({
    message,
    color: 'verdigris',
    role: 'status',
    'aria-live': 'polite',
    closeButtonProps: { 'aria-label': 'Dismiss' },
  });
}
