import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import type { EntityJson, LosslessJson, PolicySource } from '#decision/engine';
import { type EntityUid, formatUid, parseUid } from '#foundation/model';
import {
  type PolicyTest,
  TestFileError,
  type TestFileProblem,
  testEntitiesMax,
  testFileLengthMax,
  testsMax,
  testsPerFileMax,
} from './policy-test.ts';

/** Aliases a file may expand to: a bomb is a mistake as well. */
const aliasCountMax = 1_000;
/** Values in a test nest this deep at most. */
const depthMax = 64;

type CedarRecord = { readonly [name: string]: LosslessJson };
type Path = readonly PropertyKey[];
type Complain = (words: string, path: Path) => void;

/** A YAML value as Cedar's JSON: whole numbers, texts, booleans, lists and maps. */
function toJson(value: unknown, complain: Complain, path: Path = []): LosslessJson {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === 'number') {
    complain(`is no whole number; Cedar writes others as \`{ __extn: { fn: decimal, arg: "${value}" } }\``, path);
  } else if (typeof value !== 'object' || value === null) {
    complain('has no value; Cedar has no null, so leave it out or write one', path);
  } else if (path.length >= depthMax) {
    complain(`nests deeper than ${depthMax} levels`, path);
  } else if (Array.isArray(value)) {
    return value.map((item, index) => toJson(item, complain, [...path, index]));
  } else {
    const read = Object.entries(value).map(([name, item]) => [name, toJson(item, complain, [...path, name])] as const);
    return Object.fromEntries(read);
  }
  return false;
}

const recordSchema = z.unknown().transform((value, context): CedarRecord => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    context.addIssue({ code: 'custom', message: 'must be a map of attributes' });
    return z.NEVER;
  }
  const complain: Complain = (message, path) => context.addIssue({ code: 'custom', message, path: [...path] });
  return toJson(value, complain) as CedarRecord;
});

const uidSchema = z.unknown().transform((value, context): EntityUid => {
  const isParts = z.strictObject({ type: z.string(), id: z.string() }).safeParse(value);
  const uid = isParts.success ? isParts.data : typeof value === 'string' ? parseUid(value) : undefined;
  if (uid !== undefined) return uid;
  context.addIssue({
    code: 'custom',
    message:
      value === undefined ? 'is missing' : 'is no entity; write `User::"ada"` in single quotes: `\'User::"ada"\'`',
  });
  return z.NEVER;
});

const entitySchema = z.strictObject({
  uid: uidSchema,
  attrs: recordSchema.optional(),
  parents: z.array(uidSchema).max(1_000).default([]),
  tags: recordSchema.optional(),
});
const entitiesSchema = z.array(entitySchema).max(testEntitiesMax).default([]);
const idsSchema = z.array(z.string().min(1)).max(1_000).optional();

const testFileSchema = z.strictObject({
  /** For every test of the file; a test's own entity takes the place of one with the same uid. */
  entities: entitiesSchema,
  /** For every test of the file; what a test says is laid over it, record by record. */
  context: recordSchema.optional(),
  tests: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(300),
        principal: uidSchema,
        action: uidSchema,
        resource: uidSchema,
        context: recordSchema.optional(),
        entities: entitiesSchema,
        decision: z.enum(['allow', 'deny', 'indeterminate']),
        policies: idsSchema,
        errors: idsSchema,
      }),
    )
    .min(1)
    .max(testsPerFileMax),
});
type TestFile = z.infer<typeof testFileSchema>;

const knownKeys: Readonly<Record<number, string>> = {
  0: '`entities`, `context`, `tests`',
  2: '`name`, `principal`, `action`, `resource`, `context`, `entities`, `decision`, `policies`, `errors`',
};
const entityKeys = '`uid`, `attrs`, `parents`, `tags`';

function issueWords(issue: z.core.$ZodIssue): string {
  const at = issue.path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .slice(1);
  const subject = at === '' ? 'the file' : `\`${at}\``;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = issue.path.includes('entities') ? entityKeys : (knownKeys[issue.path.length] ?? '');
      return `unknown key \`${issue.keys[0] ?? ''}\`; known here are ${known}`;
    }
    case 'invalid_value': {
      const allowed = issue.values.map((value) => `\`${String(value)}\``).join(' or ');
      return issue.input === undefined
        ? `${subject} is missing; it must be ${allowed}`
        : `${subject} must be ${allowed}`;
    }
    case 'invalid_type':
      return issue.input === undefined
        ? `${subject} is missing`
        : `${subject} must be a ${issue.expected === 'object' ? 'map' : issue.expected}`;
    case 'too_big':
      return `${subject} holds more than ${issue.maximum}`;
    case 'too_small':
      return `${subject} must hold at least ${issue.minimum}`;
    default:
      return `${subject} ${issue.message}`;
  }
}

class Places {
  readonly #file: string;
  readonly #lines: LineCounter;
  readonly #document: ReturnType<typeof parseDocument>;

  constructor(file: string, source: { lines: LineCounter; document: ReturnType<typeof parseDocument> }) {
    this.#file = file;
    this.#lines = source.lines;
    this.#document = source.document;
  }

  /** A problem at the key or value of `path`, or at the nearest one above that stands in the file. */
  at(path: Path, message: string): TestFileProblem {
    const { line, col } = this.#lines.linePos(this.#offset(path));
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  }

  #offset(path: Path): number {
    for (let length = path.length; length > 0; length -= 1) {
      const parent = this.#document.getIn(path.slice(0, length - 1) as (string | number)[], true);
      const step = path[length - 1];
      const key = isMap(parent)
        ? parent.items.find(({ key: each }) => isScalar(each) && each.value === step)?.key
        : undefined;
      const found = isNode(key) ? key : this.#document.getIn(path.slice(0, length) as (string | number)[], true);
      if (isNode(found) && found.range) return found.range[0];
    }
    return 0;
  }
}

function merge(base: CedarRecord | undefined, over: CedarRecord | undefined): CedarRecord {
  if (base === undefined || over === undefined) return over ?? base ?? {};
  const merged = Object.entries(over).map(([name, value]) => {
    const below = Object.hasOwn(base, name) ? base[name] : undefined;
    return [name, isRecord(below) && isRecord(value) ? merge(below, value) : value] as const;
  });
  return { ...base, ...Object.fromEntries(merged) };
}

/** A record of attributes; entities and extension values are written as maps too, but are values as a whole. */
function isRecord(value: LosslessJson | undefined): value is CedarRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return !Object.hasOwn(value, '__entity') && !Object.hasOwn(value, '__extn');
}

function entitiesOf(...lists: TestFile['entities'][]): EntityJson[] {
  const byUid = new Map<string, EntityJson>();
  for (const { uid, attrs, parents, tags } of lists.flat())
    byUid.set(formatUid(uid), { uid, attrs: attrs ?? {}, parents, ...(tags === undefined ? {} : { tags }) });
  return [...byUid.values()];
}

function readOne({ file, text }: PolicySource): { tests: PolicyTest[]; problems: TestFileProblem[] } {
  const refused = (...problems: TestFileProblem[]) => ({ tests: [], problems });
  if (text.length > testFileLengthMax)
    return refused({ file, line: 1, column: 1, message: `is longer than ${testFileLengthMax} characters; split it` });
  const lines = new LineCounter();
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    merge: false,
    intAsBigInt: true,
  } as const;
  const document = parseDocument(text, options);
  const places = new Places(file, { lines, document });
  if (document.errors.length > 0 || document.warnings.length > 0) {
    return refused(
      ...[...document.errors, ...document.warnings].map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        const message =
          error.code === 'DUPLICATE_KEY'
            ? 'the same key stands twice in one map; keep one'
            : `is not YAML here: ${error.message}`;
        return { file, line, column: col, message };
      }),
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: aliasCountMax }) ?? {};
  } catch {
    return refused(places.at([], `more than ${aliasCountMax} aliases; write the values out`));
  }
  const parsed = testFileSchema.safeParse(value, { reportInput: true });
  if (!parsed.success) {
    return refused(
      ...parsed.error.issues.map((issue) => {
        const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
        return places.at(path, issueWords(issue));
      }),
    );
  }
  return { tests: testsOf(parsed.data, { file, places }), problems: repeatedNames(parsed.data, places) };
}

function testsOf(
  { tests, entities, context }: TestFile,
  { file, places }: { file: string; places: Places },
): PolicyTest[] {
  return tests.map((test, index) => ({
    name: test.name,
    file,
    line: places.at(['tests', index, 'name'], '').line,
    request: {
      principal: test.principal,
      action: test.action,
      resource: test.resource,
      context: merge(context, test.context),
      entities: entitiesOf(entities, test.entities),
    },
    decision: test.decision,
    policies: test.policies,
    errors: test.errors,
  }));
}

function repeatedNames({ tests }: TestFile, places: Places): TestFileProblem[] {
  const names = new Set<string>();
  return tests.flatMap(({ name }, index) => {
    if (!names.has(name)) {
      names.add(name);
      return [];
    }
    return [places.at(['tests', index, 'name'], `two tests are named \`${name}\`; rename one`)];
  });
}

/**
 * Reads `*.test.yaml` files: each has `tests`, and `entities` and `context` that its tests share. Throws TestFileError, with file, line
 * and column of everything that is wrong.
 */
export function readPolicyTests(sources: readonly PolicySource[]): PolicyTest[] {
  const read = sources.map(readOne);
  const problems = read.flatMap((each) => each.problems);
  const tests = read.flatMap((each) => each.tests);
  const [first] = sources;
  if (tests.length > testsMax && first !== undefined)
    problems.push({
      file: first.file,
      line: 1,
      column: 1,
      message: `there are more than ${testsMax} tests in all files`,
    });
  if (problems.length > 0) throw new TestFileError(problems);
  return tests;
}
