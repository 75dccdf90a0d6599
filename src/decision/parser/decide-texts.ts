import {
  type DecisionRequest,
  EngineError,
  type EntityJson,
  type LosslessJson,
  type PolicySource,
  type Problem,
  parseLosslessJson,
} from '#decision/engine';
import type { Decision, EntityUid } from '#foundation/model';
import { checkPolicies, compilePolicies } from './compile-policies.ts';
import { parseSchema } from './validate-policies.ts';
import { cedar } from './wasm.ts';

export interface DecideTexts {
  /** In byte order of file names; policies are numbered across them. */
  readonly policies: readonly PolicySource[];
  /** Cedar or JSON schema text; null: nothing is validated. */
  readonly schema: PolicySource | null;
  readonly entities: PolicySource;
  readonly request: PolicySource;
}

type JsonObject = { readonly [key: string]: LosslessJson };

function isObject(value: LosslessJson | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const cedarString = /^((?:[A-Za-z_][A-Za-z0-9_]*::)*[A-Za-z_][A-Za-z0-9_]*)::"((?:[^"\\]|\\.)*)"$/s;
const escapeOrText = /\\(?:u\{([0-9a-fA-F]{1,6})\}|x([0-7][0-9a-fA-F])|([nrt0'"\\]))|\\|[^\\]+/gs;
const simpleEscapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

/** Reads a uid as Cedar writes it, `User::"ada"`, with Cedar's escapes. Returns undefined for anything else. */
function parseCedarUid(text: string): EntityUid | undefined {
  const match = cedarString.exec(text);
  if (match === null) return undefined;
  const [, type = '', quoted = ''] = match;
  let id = '';
  for (const [part, unicode, hex, simple] of quoted.matchAll(escapeOrText)) {
    if (part === '\\') return undefined;
    const code = unicode ?? hex;
    if (code !== undefined) {
      const point = Number.parseInt(code, 16);
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
      id += String.fromCodePoint(point);
    } else {
      id += simple === undefined ? part : (simpleEscapes[simple] ?? simple);
    }
  }
  return { type, id };
}

function uidOf(value: LosslessJson | undefined, name: string, file: string): EntityUid {
  const inner = isObject(value) && isObject(value['__entity']) ? value['__entity'] : value;
  if (isObject(inner) && typeof inner['type'] === 'string' && typeof inner['id'] === 'string') {
    return { type: inner['type'], id: inner['id'] };
  }
  const parsed = typeof value === 'string' ? parseCedarUid(value) : undefined;
  if (parsed !== undefined) return parsed;
  throw new EngineError({
    code: 'invalid-request',
    message: `\`${name}\` is not an entity`,
    hint: 'Write `{"type": "User", "id": "ada"}` or `"User::\\"ada\\""`.',
    file,
  });
}

/** Reads a request file: `principal`, `action`, `resource`, and `context` (an empty one when left out). Other keys are refused. */
export function parseRequest(source: PolicySource): Omit<DecisionRequest, 'entities'> {
  const { file } = source;
  const value = parseLosslessJson(source.text, file);
  const known = ['principal', 'action', 'resource', 'context'];
  const unknown = isObject(value) ? Object.keys(value).find((key) => !known.includes(key)) : undefined;
  const context = isObject(value) ? (value['context'] ?? {}) : {};
  if (!isObject(value) || unknown !== undefined || !isObject(context)) {
    throw new EngineError({
      code: 'invalid-request',
      message: unknown === undefined ? 'the request or its context is not an object' : `unknown key \`${unknown}\``,
      hint: `A request has ${known.map((key) => `\`${key}\``).join(', ')}.`,
      file,
    });
  }
  return {
    principal: uidOf(value['principal'], 'principal', file),
    action: uidOf(value['action'], 'action', file),
    resource: uidOf(value['resource'], 'resource', file),
    context,
  };
}

/** Reads an entities file: a list, as Cedar writes it. What the entries hold is checked by the evaluator. */
export function parseEntities(source: PolicySource): EntityJson[] {
  const value = parseLosslessJson(source.text, source.file);
  if (Array.isArray(value)) return value as unknown as EntityJson[];
  throw new EngineError({ code: 'invalid-entities', message: 'entities are not a list', file: source.file });
}

/** Gives a schema as Cedar text, whether it was written as text or as JSON. */
export function schemaText(source: PolicySource): string {
  if (!source.text.trimStart().startsWith('{')) return source.text;
  parseLosslessJson(source.text, source.file);
  const answer = cedar.schemaToText(JSON.parse(source.text));
  if (answer.type === 'success') return answer.text;
  const message = answer.errors[0]?.message ?? 'this is not a Cedar schema';
  throw new EngineError({ code: 'schema-syntax', message, file: source.file });
}

/** The evaluator would tell of a wrong schema without a place, and only when it is asked. Throws EngineError `schema-syntax`. */
function checkSchema({ file, text }: PolicySource, schema: string): void {
  try {
    parseSchema(schema);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const { code, message, hint, line, column } = error;
    // Of a schema in JSON, the place would be one in its translation.
    const place = text === schema && line !== undefined && column !== undefined ? { line, column } : {};
    throw new EngineError({ code, message, file, ...place, ...(hint === undefined ? {} : { hint }) });
  }
}

const loop = /^transitive closure .*cycle/;

/** The evaluator is given both together, and tells by its words alone which is wrong. */
function inFile(error: EngineError, { entities, request }: DecideTexts): EngineError {
  const { code, message } = error;
  if (code !== 'invalid-request' || error.file !== undefined) return error;
  const hint = loop.test(message) ? 'Nothing stands above itself: take one of the `parents` away.' : undefined;
  const isOfEntities = hint !== undefined || /^(entity |error during entity )/.test(message);
  if (!isOfEntities && !/^(principal|action|resource|context|while parsing context)\b/.test(message)) return error;
  const file = isOfEntities ? entities.file : request.file;
  return new EngineError({ code, message, file, ...(hint === undefined ? {} : { hint }) });
}

/**
 * One decision from texts, exactly Cedar's. With a schema, request and entities are validated first and what does not fit
 * throws EngineError; policies that do not validate are given as warnings and judged all the same.
 */
export function decideTexts(texts: DecideTexts): { decision: Decision; warnings: Problem[] } {
  const schema = texts.schema === null ? null : schemaText(texts.schema);
  const request = { ...parseRequest(texts.request), entities: parseEntities(texts.entities) };
  const input = { policies: texts.policies, schema, naming: 'position' as const, evaluator: 'wasm' as const };
  if (texts.schema !== null) checkSchema(texts.schema, schema ?? '');
  const compiled = compilePolicies(input);
  const warnings = checkPolicies(input).filter(({ code }) => code === 'policy-type');
  try {
    return { decision: compiled.decide(request), warnings };
  } catch (error) {
    throw error instanceof EngineError ? inFile(error, texts) : error;
  }
}
