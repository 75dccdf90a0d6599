import { Button, Menu, Text } from '@mantine/core';
import { IconChevronDown, IconExternalLink, IconLogout } from '@tabler/icons-react';
import { useMe } from '../api/queries.ts';

/** Ends this session everywhere, then asks for the console again, which leads to sign-in. */
async function signOut(): Promise<void> {
  await fetch('/.nullius/sign-out', { method: 'POST', redirect: 'manual' }).catch(() => undefined);
  location.assign('/');
}

/** Who is signed in, the way to their account page, and the way out. */
export function Account() {
  const { data } = useMe();
  if (data === undefined) return null;
  const name = data.user?.displayName || data.user?.name || (data.kind === 'operator' ? 'Local operator' : 'Token');
  return (
    <Menu position="top-start" width={220} withinPortal>
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          size="compact-md"
          fullWidth
          justify="space-between"
          c="inherit"
          rightSection={<IconChevronDown size={14} aria-hidden />}
        >
          <span className="clip">{name}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {data.user !== null && <Menu.Label>Signed in as {data.user.name}</Menu.Label>}
        <Menu.Item
          component="a"
          href={`${data.urls.id}/account`}
          leftSection={<IconExternalLink size={14} aria-hidden />}
        >
          My account and passkeys
        </Menu.Item>
        <Menu.Item onClick={() => void signOut()} leftSection={<IconLogout size={14} aria-hidden />}>
          Sign out
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>
          <Text size="xs" component="span">
            Nullius {data.version}
          </Text>
        </Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
