import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { type ReactNode, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './mantine.css';
import 'virtual:theme.css';
import './styles.css';
import { theme } from './theme.ts';

const colorSchemeManager = localStorageColorSchemeManager({ key: 'nullius-color-scheme' });

/** Theme and style sheets. Mantine writes no style elements: `virtual:theme.css` holds what it would have written. */
function Frame({ children }: { children: ReactNode }) {
  return (
    <MantineProvider
      theme={theme}
      defaultColorScheme="auto"
      colorSchemeManager={colorSchemeManager}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      {children}
    </MantineProvider>
  );
}

/** Puts a page into `#root` inside the shared frame. */
export function show(page: ReactNode): void {
  const root = document.getElementById('root');
  if (root === null) throw new Error('no element `#root` in this page');
  createRoot(root).render(
    <StrictMode>
      <Frame>{page}</Frame>
    </StrictMode>,
  );
}
