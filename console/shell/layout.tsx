import { ActionIcon, Drawer } from '@mantine/core';
import { IconMenu2 } from '@tabler/icons-react';
import { Suspense, useEffect, useRef, useState } from 'react';
import { Link, Outlet, useLocation } from 'react-router';
import { Mark } from '../logo.tsx';
import { Loading } from '../parts/states.tsx';
import { Account } from './account.tsx';
import { ColorSchemeSwitch } from './color-scheme-switch.tsx';
import { Navigation } from './navigation.tsx';

function Brand() {
  return (
    <Link to="/" className="brand">
      <Mark size={26} />
      Nullius
    </Link>
  );
}

/** After a change of page the focus goes to the new page's heading, so that screen readers announce it. */
function useHeadingFocus(): void {
  const { pathname } = useLocation();
  const previous = useRef(pathname);
  useEffect(() => {
    if (previous.current === pathname) return;
    previous.current = pathname;
    window.scrollTo(0, 0);
    const heading = document.querySelector<HTMLElement>('[data-page-heading]');
    (heading ?? document.getElementById('main'))?.focus({ preventScroll: true });
  }, [pathname]);
}

/** The frame around every page: skip link, navigation at the side or in a drawer, and the page itself. */
export function Layout() {
  const [isOpen, setOpen] = useState(false);
  const { pathname } = useLocation();
  useHeadingFocus();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the drawer closes whenever the place changes
  useEffect(() => setOpen(false), [pathname]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <div className="frame">
        <header className="top">
          <Brand />
          <ActionIcon variant="default" size="lg" aria-label="Open navigation" onClick={() => setOpen(true)}>
            <IconMenu2 size={18} aria-hidden />
          </ActionIcon>
        </header>
        <Drawer opened={isOpen} onClose={() => setOpen(false)} size={280} title="Navigation" padding="md">
          <Navigation />
          <div className="side-foot">
            <Account />
            <ColorSchemeSwitch />
          </div>
        </Drawer>
        <header className="side">
          <Brand />
          <Navigation />
          <div className="side-foot">
            <Account />
            <ColorSchemeSwitch />
          </div>
        </header>
        <main className="main" id="main" tabIndex={-1}>
          <Suspense fallback={<Loading />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
    </>
  );
}
