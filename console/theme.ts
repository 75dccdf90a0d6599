import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core';

/** Copper that has stood in the weather: what is allowed, what is ours to press. */
const verdigris: MantineColorsTuple = [
  '#e9f6f3',
  '#d2ece6',
  '#a6d8cd',
  '#76c3b4',
  '#4fb3a1',
  '#2a9b87',
  '#14806f',
  '#0c6a5c',
  '#08564b',
  '#05423a',
];

/** The dyer's red: what is refused, what cannot be taken back. */
const madder: MantineColorsTuple = [
  '#fbeeed',
  '#f6d9d6',
  '#ecb2ad',
  '#e38d86',
  '#d9685f',
  '#c4453d',
  '#b03029',
  '#97251f',
  '#7c1d18',
  '#5f1512',
];

/** Attention: waiting, indeterminate, about to end. */
const ochre: MantineColorsTuple = [
  '#fdf5e6',
  '#f9e8c6',
  '#f1d08f',
  '#e7b654',
  '#d99d2b',
  '#bf841a',
  '#95640e',
  '#7d540b',
  '#644309',
  '#4a3106',
];

/** Paper and ink: neutrals with a trace of warmth. */
const gray: MantineColorsTuple = [
  '#f8f7f4',
  '#f1efeb',
  '#e5e2dc',
  '#d4d0c8',
  '#b4afa5',
  '#8d887e',
  '#68645c',
  '#504d47',
  '#383631',
  '#21201d',
];
const dark: MantineColorsTuple = [
  '#dedcd7',
  '#bfbdb7',
  '#9d9b95',
  '#72716c',
  '#3f4144',
  '#323437',
  '#25272a',
  '#191b1e',
  '#131517',
  '#0c0e0f',
];

const sans =
  "'Inter', -apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', 'Liberation Sans', system-ui, sans-serif";
const serif =
  "'Iowan Old Style', 'Palatino Linotype', 'URW Palladio L', Palatino, 'Source Serif 4', 'Liberation Serif', Georgia, serif";
const mono = "ui-monospace, 'SF Mono', 'Cascadia Mono', 'JetBrains Mono', Menlo, 'Liberation Mono', monospace";

/** The one theme of console and sign-in pages. Sizes are dense: people keep this open all day. */
export const theme = createTheme({
  colors: { verdigris, madder, ochre, gray, dark },
  primaryColor: 'verdigris',
  primaryShade: { light: 7, dark: 6 },
  white: '#ffffff',
  black: '#1b1a17',
  fontFamily: sans,
  fontFamilyMonospace: mono,
  headings: {
    fontFamily: serif,
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.625rem', lineHeight: '1.25' },
      h2: { fontSize: '1.1875rem', lineHeight: '1.3' },
      h3: { fontSize: '1rem', lineHeight: '1.35' },
      h4: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  spacing: { xs: '0.375rem', sm: '0.625rem', md: '0.875rem', lg: '1.25rem', xl: '2rem' },
  radius: { xs: '2px', sm: '3px', md: '5px', lg: '8px', xl: '16px' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    // Scroll lock injects a <style> element, which the content security policy refuses; styles.css locks instead.
    Modal: { defaultProps: { lockScroll: false, centered: true, closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: { lockScroll: false, closeButtonProps: { 'aria-label': 'Close' } } },
    Tooltip: {
      defaultProps: { withArrow: true, multiline: true, maw: 320, events: { hover: true, focus: true, touch: true } },
    },
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 600 } },
    Alert: { defaultProps: { variant: 'light' } },
  },
});

/** Badges and alerts in the dark: a tint that can be told from the surface, and a text that can be read on it. */
const darkTints = Object.fromEntries(
  Object.entries({ verdigris, madder, ochre, gray }).flatMap(([name, shades]) => [
    [`--mantine-color-${name}-light`, `color-mix(in srgb, ${shades[4]} 18%, transparent)`],
    [`--mantine-color-${name}-light-color`, shades[2]],
  ]),
);

/** Where Mantine's own choice is too pale to read or too blue to be ours. */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#fbfaf8',
    '--mantine-color-dimmed': 'var(--mantine-color-gray-6)',
    '--mantine-color-anchor': 'var(--mantine-color-verdigris-7)',
    '--mantine-color-placeholder': 'var(--mantine-color-gray-6)',
    '--mantine-color-error': 'var(--mantine-color-madder-6)',
    '--nullius-surface': '#ffffff',
    '--nullius-sunken': 'var(--mantine-color-gray-1)',
    '--nullius-line': 'var(--mantine-color-gray-2)',
    '--nullius-allow': 'var(--mantine-color-verdigris-6)',
    '--nullius-deny': 'var(--mantine-color-madder-5)',
    '--nullius-warn': 'var(--mantine-color-ochre-6)',
  },
  dark: {
    ...darkTints,
    '--mantine-color-dimmed': 'var(--mantine-color-dark-2)',
    '--mantine-color-anchor': 'var(--mantine-color-verdigris-3)',
    '--mantine-color-placeholder': 'var(--mantine-color-dark-2)',
    '--mantine-color-error': 'var(--mantine-color-madder-3)',
    '--nullius-surface': '#1f2124',
    '--nullius-sunken': '#151719',
    '--nullius-line': '#303236',
    '--nullius-allow': 'var(--mantine-color-verdigris-4)',
    '--nullius-deny': 'var(--mantine-color-madder-4)',
    '--nullius-warn': 'var(--mantine-color-ochre-4)',
  },
});
