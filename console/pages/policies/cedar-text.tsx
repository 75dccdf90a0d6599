import { cedarTokens } from './cedar-tokens.ts';

/** Cedar text to read, coloured. */
export function CedarText({ text }: { text: string }) {
  return (
    <pre className="source">
      {text
        .trimEnd()
        .split('\n')
        .map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other identity
          <CedarLine key={index} line={`${line}\n`} />
        ))}
    </pre>
  );
}

/** One line of Cedar, coloured. */
export function CedarLine({ line }: { line: string }) {
  return cedarTokens(line).map((token, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: tokens have no other identity
    <span key={index} className={`cedar-${token.kind}`}>
      {token.text}
    </span>
  ));
}
