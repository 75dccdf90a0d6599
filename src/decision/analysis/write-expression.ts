import { applicationOf, type Expression } from './expression.ts';

/** Binding strength, from `if` to what never needs parentheses. */
const strength = {
  conditional: 0,
  or: 1,
  and: 2,
  relation: 3,
  sum: 4,
  product: 5,
  unary: 6,
  member: 7,
  primary: 8,
} as const;

const infix: Readonly<Record<string, number>> = {
  '||': strength.or,
  '&&': strength.and,
  ...Object.fromEntries(['==', '!=', '<', '<=', '>', '>=', 'in'].map((operator) => [operator, strength.relation])),
  '+': strength.sum,
  '-': strength.sum,
  '*': strength.product,
};
const methods: ReadonlySet<string> = new Set(['contains', 'containsAll', 'containsAny', 'isEmpty', 'hasTag', 'getTag']);
/** Extension functions that are written as calls; the others are methods of their first argument. */
const constructors: ReadonlySet<string> = new Set(['ip', 'decimal', 'datetime', 'duration']);
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

interface Written {
  readonly text: string;
  readonly strength: number;
}

/** Cedar's escapes are those of JSON where both have them; what JSON writes as `\uXXXX` Cedar writes as `\u{XXXX}`. */
function quoted(text: string): string {
  return JSON.stringify(text)
    .replace(/\\\\|\\u([0-9a-f]{4})/g, (whole, code: string | undefined) =>
      code === undefined ? whole : `\\u{${code}}`,
    )
    .replaceAll('\\b', '\\u{8}')
    .replaceAll('\\f', '\\u{c}');
}

function literal(json: unknown): Written {
  const primary = (text: string): Written => ({ text, strength: strength.primary });
  if (typeof json === 'string') return primary(quoted(json));
  if (typeof json === 'number' || typeof json === 'bigint')
    return { text: String(json), strength: json < 0 ? strength.unary : strength.primary };
  if (Array.isArray(json)) return primary(`[${json.map((item) => literal(item).text).join(', ')}]`);
  if (typeof json !== 'object' || json === null) return primary(String(json));
  const { __entity: entity, __extn: call } = json as {
    __entity?: { type: string; id: string };
    __extn?: { fn: string; arg?: unknown; args?: readonly unknown[] };
  };
  if (entity !== undefined) return primary(`${entity.type}::${quoted(entity.id)}`);
  if (call !== undefined) {
    const args = (call.args ?? [call.arg]).map((arg) => literal(arg).text);
    return primary(`${call.fn}(${args.join(', ')})`);
  }
  const members = Object.entries(json).map(([name, item]) => `${attributeName(name)}: ${literal(item).text}`);
  return primary(`{${members.join(', ')}}`);
}

const attributeName = (name: string) => (identifier.test(name) ? name : quoted(name));

function pattern(parts: readonly ('Wildcard' | { readonly Literal: string })[]): string {
  const inner = parts.map((part) =>
    part === 'Wildcard' ? '*' : quoted(part.Literal).slice(1, -1).replaceAll('*', '\\*'),
  );
  return `"${inner.join('')}"`;
}

/** The text of a part, in parentheses where it binds less than its place asks for. */
function at(expression: Expression, least: number): string {
  const { text, strength: own } = write(expression);
  return own < least ? `(${text})` : text;
}

function call(operator: string, parts: readonly Expression[]): Written {
  const [first, ...rest] = parts;
  const all = (list: readonly Expression[]) => list.map((part) => at(part, strength.conditional)).join(', ');
  if (first === undefined || constructors.has(operator))
    return { text: `${operator}(${all(parts)})`, strength: strength.primary };
  return { text: `${at(first, strength.member)}.${operator}(${all(rest)})`, strength: strength.member };
}

function write(expression: Expression): Written {
  const { operator, operand, arguments: applied } = applicationOf(expression);
  const parts = applied.map((each) => each.expression);
  const [first = {}, second = {}, third = {}] = parts;
  const relation = (text: string): Written => ({
    text: `${at(first, strength.sum)} ${text}`,
    strength: strength.relation,
  });
  const own = Object.hasOwn(infix, operator) ? infix[operator] : undefined;
  if (own !== undefined) {
    // Relations do not chain; the others group to the left.
    const left = at(first, own === strength.relation ? strength.sum : own);
    return { text: `${left} ${operator} ${at(second, own + 1)}`, strength: own };
  }
  if (methods.has(operator)) return call(operator, parts);
  switch (operator) {
    case 'Value':
      return literal(operand);
    case 'Var':
      return { text: String(operand), strength: strength.primary };
    case 'Slot':
      return { text: String(operand), strength: strength.primary };
    case '!':
      return { text: `!${at(first, strength.member)}`, strength: strength.unary };
    case 'neg': {
      // `-1` would be a literal of its own.
      const isNumber = Object.hasOwn(first, 'Value');
      return { text: `-${isNumber ? `(${write(first).text})` : at(first, strength.member)}`, strength: strength.unary };
    }
    case '.': {
      const { attr } = operand as { attr: string };
      const access = identifier.test(attr) ? `.${attr}` : `[${quoted(attr)}]`;
      return { text: `${at(first, strength.member)}${access}`, strength: strength.member };
    }
    case 'has': {
      const { attr } = operand as { attr: string | readonly string[] };
      return relation(`has ${typeof attr === 'string' ? attributeName(attr) : attr.join('.')}`);
    }
    case 'like':
      return relation(`like ${pattern((operand as { pattern: Parameters<typeof pattern>[0] }).pattern)}`);
    case 'is': {
      const { entity_type: type } = operand as { entity_type: string };
      return relation(`is ${type}${parts.length > 1 ? ` in ${at(second, strength.sum)}` : ''}`);
    }
    case 'if-then-else': {
      const [test, yes, no] = [first, second, third].map((part) => at(part, strength.conditional));
      return { text: `if ${test} then ${yes} else ${no}`, strength: strength.conditional };
    }
    case 'Set':
      return { text: `[${parts.map((part) => at(part, 0)).join(', ')}]`, strength: strength.primary };
    case 'Record': {
      const names = Object.keys(operand as object);
      const members = parts.map((part, index) => `${attributeName(names[index] ?? '')}: ${at(part, 0)}`);
      return { text: `{${members.join(', ')}}`, strength: strength.primary };
    }
    default:
      return call(operator, parts);
  }
}

/** Writes an expression of Cedar's JSON policy format as Cedar text that parses to the same expression. */
export function writeExpression(expression: Expression): string {
  return write(expression).text;
}
