import {
  convertCssVariables,
  DEFAULT_THEME,
  deepMerge,
  defaultCssVariablesResolver,
  mergeMantineTheme,
} from '@mantine/core';
import type { Plugin } from 'vite';
import { cssVariablesResolver, theme } from './theme.ts';

type Variables = Record<string, string>;

function withoutDefaults(own: Variables, defaults: Variables): Variables {
  return Object.fromEntries(Object.entries(own).filter(([name, value]) => defaults[name] !== value));
}

/** The theme as a style sheet, so that no style element is written at run time (`style-src 'self'`, no nonce). */
function themeStyleSheet(): string {
  const merged = mergeMantineTheme(DEFAULT_THEME, theme);
  const own = deepMerge(defaultCssVariablesResolver(merged), cssVariablesResolver(merged));
  const defaults = defaultCssVariablesResolver(DEFAULT_THEME);
  return convertCssVariables(
    {
      variables: withoutDefaults(own.variables, defaults.variables),
      light: withoutDefaults(own.light, defaults.light),
      dark: withoutDefaults(own.dark, defaults.dark),
    },
    ':root',
  );
}

const name = 'virtual:theme.css';

/** Vite plugin: `import 'virtual:theme.css'`. */
export function themeCss(): Plugin {
  return {
    name: 'nullius-theme-css',
    resolveId: (id) => (id === name ? '/@nullius/theme.css' : undefined),
    load: (id) => (id === '/@nullius/theme.css' ? themeStyleSheet() : undefined),
  };
}
