import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  StreamLanguage,
  syntaxHighlighting,
} from '@codemirror/language';
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { Annotation, EditorState, type Text } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { Tag } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import type { PolicyProblem } from '../../api/shapes.ts';
import { type CedarKind, type CedarToken, cedarTokenAt, yamlTokenAt } from './cedar-tokens.ts';

const kinds: readonly CedarKind[] = [
  'comment',
  'annotation',
  'effect',
  'keyword',
  'variable',
  'string',
  'number',
  'type',
  'call',
  'operator',
];
// A name of our own: the stream parser takes `variable` and `type` for its own tags.
const tags = Object.fromEntries(kinds.map((kind) => [`cedar_${kind}`, Tag.define()]));

const language = (name: string, comment: string, tokenAt: (line: string, from: number) => CedarToken) =>
  StreamLanguage.define({
    name,
    tokenTable: tags,
    languageData: { commentTokens: { line: comment }, closeBrackets: { brackets: ['(', '[', '{', '"'] } },
    token: (stream) => {
      const { kind, text } = tokenAt(stream.string, stream.pos);
      stream.pos += text.length;
      return kind === 'plain' ? null : `cedar_${kind}`;
    },
  });
const cedar = language('cedar', '//', cedarTokenAt);
const yaml = language('yaml', '#', yamlTokenAt);

// Colours are the page's own variables, which reach through the shadow root.
const highlighting = HighlightStyle.define(
  kinds.flatMap((kind) => {
    const tag = tags[`cedar_${kind}`];
    return tag === undefined
      ? []
      : [{ tag, color: `var(--cedar-${kind})`, ...(kind === 'effect' ? { fontWeight: '600' } : {}) }];
  }),
);

const look = EditorView.theme({
  '&': {
    height: '100%',
    fontSize: '0.8125rem',
    backgroundColor: 'var(--nullius-surface)',
    color: 'var(--mantine-color-text)',
  },
  '&.cm-focused': { outline: '2px solid var(--mantine-color-anchor)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mantine-font-family-monospace)', lineHeight: '1.6', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--mantine-color-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--mantine-color-text)' },
  '.cm-gutters': { backgroundColor: 'var(--nullius-sunken)', color: 'var(--mantine-color-dimmed)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'light-dark(rgb(0 0 0 / 3%), rgb(255 255 255 / 4%))' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'light-dark(#cfe5e0, #1f4a43)',
  },
  // The library's own marks are images in data: URLs, which the content security policy refuses.
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--nullius-deny)' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--nullius-warn)' },
  '.cm-lint-marker': { content: 'normal', width: '0.6em', height: '0.6em', marginTop: '0.5em', borderRadius: '50%' },
  '.cm-lint-marker-error': { content: 'normal', backgroundColor: 'var(--nullius-deny)' },
  '.cm-lint-marker-warning': { content: 'normal', backgroundColor: 'var(--nullius-warn)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--nullius-surface)',
    border: '1px solid var(--nullius-line)',
    color: 'var(--mantine-color-text)',
    maxWidth: '32rem',
  },
});

/** Marks a change that the page made, which it need not be told. */
const fromOutside = Annotation.define<boolean>();
/** More keystrokes than the page ever lags behind. */
const toldMax = 1000;

function positionIn(doc: Text, line: number, column: number): number {
  const info = doc.line(Math.min(Math.max(1, line), doc.lines));
  return Math.min(info.to, info.from + Math.max(0, column - 1));
}

/** Markers at the places the API named; lines and columns count from 1. */
function diagnosticsOf(doc: Text, problems: readonly PolicyProblem[]): Diagnostic[] {
  return problems.map((problem) => {
    const from = positionIn(doc, problem.line, problem.column);
    // The API names where a problem begins: the rest of that word is marked with it.
    const rest = doc.sliceString(from, doc.lineAt(from).to);
    return {
      from,
      to: from + (/^\w+|^./.exec(rest)?.[0].length ?? 0),
      severity: problem.severity,
      message: problem.help === undefined ? problem.message : `${problem.message}\n${problem.help}`,
    };
  });
}

interface CedarEditorProps {
  /** Identity of what is edited: another one starts afresh, with its own undo history. */
  readonly file: string;
  readonly text: string;
  readonly problems: readonly PolicyProblem[];
  readonly readOnly: boolean;
  readonly onChange: (text: string) => void;
  /** Where to put the cursor; a new object moves it again. */
  readonly goTo: { readonly line: number; readonly column: number } | undefined;
}

/**
 * An editor of Cedar, and of tests in YAML. It lives in a shadow root, because there CodeMirror puts its styles into `adoptedStyleSheets`; in the
 * page itself it would write a style element, which the content security policy refuses. Tab leaves it, as everywhere.
 */
export function CedarEditor({ file, text, problems, readOnly, onChange, goTo }: CedarEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef({ onChange, text });
  latest.current = { onChange, text };
  /** What was typed and told, and has not come back as `text` yet: the page lags behind fast hands. */
  const told = useRef<string[]>([]);

  useEffect(() => {
    if (host.current === null) return undefined;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: latest.current.text,
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          highlightActiveLineGutter(),
          EditorView.lineWrapping,
          EditorState.readOnly.of(readOnly),
          keymap.of([...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          file.endsWith('.yaml') ? yaml : cedar,
          syntaxHighlighting(highlighting),
          look,
          EditorView.contentAttributes.of({
            'aria-label': `Text of ${file}`,
            tabindex: '0',
            spellcheck: 'false',
            autocapitalize: 'off',
          }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged || update.transactions.some((each) => each.annotation(fromOutside) === true)) return;
            const typed = update.state.doc.toString();
            told.current = [...told.current.slice(1 - toldMax), typed];
            latest.current.onChange(typed);
          }),
        ],
      }),
    });
    view.current = editor;
    told.current = [];
    return () => {
      editor.destroy();
      view.current = undefined;
    };
  }, [file, readOnly]);

  // Text that came from elsewhere (reload, discard) replaces what is shown.
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || editor.state.doc.toString() === text) {
      told.current = [];
      return;
    }
    // What was typed a moment ago: newer text is shown already, and replacing it would lose it.
    const known = told.current.indexOf(text);
    if (known !== -1) {
      told.current = told.current.slice(known + 1);
      return;
    }
    editor.dispatch({
      changes: { from: 0, to: editor.state.doc.length, insert: text },
      annotations: fromOutside.of(true),
    });
  }, [text]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another file is another editor, which needs its markers
  useEffect(() => {
    const editor = view.current;
    if (editor !== undefined) editor.dispatch(setDiagnostics(editor.state, diagnosticsOf(editor.state.doc, problems)));
  }, [problems, file]);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || goTo === undefined) return;
    const anchor = positionIn(editor.state.doc, goTo.line, goTo.column);
    editor.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
    editor.focus();
  }, [goTo]);

  return <div ref={host} className="editor" />;
}
