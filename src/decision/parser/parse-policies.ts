import {
  EngineError,
  type LocatedPolicy,
  type PolicyJson,
  type PolicyPiece,
  type PolicySource,
  policyCountMax,
  policyLengthMax,
  splitPolicies,
} from '#decision/engine';
import { hideLargeIntegers, revealLargeIntegers } from './large-integers.ts';
import { nestingMax, nestingOf } from './nesting.ts';
import { positionAt, utf16Offset } from './position.ts';
import { cedar, type DetailedError } from './wasm.ts';

/** One policy, parsed. */
export interface ParsedPolicy extends LocatedPolicy {
  readonly column: number;
  /** UTF-16 offset of `text` in the file. */
  readonly start: number;
  readonly kind: 'static' | 'template';
  readonly annotations: Readonly<Record<string, string>>;
}

/** Where in a file an error of the parser points, as far as it says. */
export function locate(error: DetailedError, fileText: string, start: number): { line: number; column: number } {
  const source = error.sourceLocations?.[0];
  const offset = source === undefined ? start : start + utf16Offset(fileText.slice(start), source.start);
  return positionAt(fileText, offset);
}

/** The policy as JSON in which no integer is rounded. */
function exactJson(text: string, parsed: { json: PolicyJson; kind: ParsedPolicy['kind'] }): PolicyJson {
  const { text: hidden, revealed } = hideLargeIntegers(text);
  if (revealed === null) return parsed.json;
  const answer = parsed.kind === 'static' ? cedar.policyToJson(hidden) : cedar.templateToJson(hidden);
  if (answer.type === 'failure') throw new Error('a policy stopped parsing when its integers were made smaller');
  const { annotations, ...rest } = answer.json;
  const json = revealLargeIntegers(rest, revealed) as PolicyJson;
  return annotations === undefined ? json : { ...json, annotations };
}

/** Annotations as published policies have them: one without a value is null to the parser, and empty to Cedar. */
function withEmpty(annotations: Readonly<Record<string, string | null>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [name, value ?? '']));
}

function parsePolicy(source: PolicySource, piece: PolicyPiece): ParsedPolicy {
  const { line, column } = piece;
  const where = { file: source.file, line, column };
  if (piece.text.length > policyLengthMax) {
    throw new EngineError({
      code: 'policy-too-large',
      message: `a policy is longer than ${policyLengthMax} characters`,
      hint: 'Split it into several policies.',
      ...where,
    });
  }
  if (nestingOf(piece.text) > nestingMax) {
    throw new EngineError({
      code: 'policy-too-large',
      message: `a policy nests deeper than ${nestingMax} levels`,
      hint: 'Split it into several policies, or write a set instead of a long chain of `||`.',
      ...where,
    });
  }
  const asStatic = cedar.policyToJson(piece.text);
  const answer = asStatic.type === 'success' ? asStatic : cedar.templateToJson(piece.text);
  if (answer.type === 'success') {
    const kind = asStatic.type === 'success' ? 'static' : 'template';
    const exact = exactJson(piece.text, { json: answer.json, kind });
    const annotations = withEmpty(exact.annotations);
    const json = exact.annotations === undefined ? exact : { ...exact, annotations };
    return { ...where, start: piece.start, text: piece.text, kind, json, annotations };
  }
  const error = asStatic.type === 'failure' ? asStatic.errors[0] : undefined;
  // The label says what was expected there.
  const hint = error?.help ?? error?.sourceLocations?.[0]?.label;
  throw new EngineError({
    code: 'policy-syntax',
    message: (error?.message ?? 'this is not a Cedar policy').replace(/^failed to parse policy from string: /, ''),
    file: source.file,
    ...(error === undefined ? { line, column } : locate(error, source.text, piece.start)),
    ...(hint == null ? {} : { hint }),
  });
}

/** Parses policy files into single policies, in the order of files and of the text. Throws EngineError at the first wrong one. */
export function parsePolicies(sources: readonly PolicySource[]): ParsedPolicy[] {
  const parsed: ParsedPolicy[] = [];
  for (const source of sources) {
    for (const piece of splitPolicies(source.text)) {
      if (parsed.length >= policyCountMax) {
        throw new EngineError({
          code: 'too-many-policies',
          message: `there are more than ${policyCountMax} policies`,
          file: source.file,
        });
      }
      parsed.push(parsePolicy(source, piece));
    }
  }
  return parsed;
}
