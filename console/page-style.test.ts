// The gateway's refusal pages share no code with the console, and look as if they did.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pageStyle } from '../src/foundation/page/page-style.ts';
import { cssVariablesResolver, theme } from './theme.ts';

/** What the theme calls each colour, light and dark. */
const wanted = {
  page: ['--mantine-color-body', 'dark.7'],
  card: ['--nullius-surface', '--nullius-surface'],
  sunken: ['--nullius-sunken', '--nullius-sunken'],
  text: ['black', 'dark.0'],
  soft: ['--mantine-color-dimmed', '--mantine-color-dimmed'],
  line: ['--nullius-line', '--nullius-line'],
  accent: ['--mantine-color-anchor', '--mantine-color-anchor'],
  press: ['verdigris.7', 'verdigris.6'],
  key: ['--nullius-allow', '--nullius-allow'],
  deny: ['--nullius-deny', '--nullius-deny'],
} as const;

function colour(name: string, scheme: 'light' | 'dark'): string | undefined {
  if (name === 'black') return theme.black;
  const [palette = '', shade] = name.split('.');
  if (shade !== undefined) return theme.colors?.[palette]?.[Number(shade)];
  const variables: Record<string, string> = cssVariablesResolver({} as never)[scheme];
  const value = variables[name] ?? '';
  const reference = /^var\(--mantine-color-(\w+)-(\d)\)$/.exec(value);
  return reference === null ? value : colour(`${reference[1]}.${reference[2]}`, scheme);
}

test('refusal pages wear the colours of the console, light and dark', () => {
  const roots = [...pageStyle.matchAll(/:root\{([^}]*)\}/g)].map(([, body = '']) =>
    Object.fromEntries(body.split(';').map((pair) => pair.slice(2).split(':'))),
  );
  assert.equal(roots.length, 2);
  for (const [at, scheme] of (['light', 'dark'] as const).entries()) {
    const expected = Object.fromEntries(
      Object.entries(wanted).map(([name, names]) => [name, colour(names[at] ?? '', scheme)]),
    );
    assert.deepEqual(roots[at], expected);
  }
});
