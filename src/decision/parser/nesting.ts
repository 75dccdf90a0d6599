/**
 * How deep an expression may nest, as `nestingOf` counts. Cedar's parser recurses inside WebAssembly, and running out of
 * stack there ruins the module for good, so text is measured before it is parsed. Measured on cedar-wasm 4.13: the
 * first shapes that trap count about 400.
 */
export const nestingMax = 200;

const token = /\s+|\/\/[^\n\r]*|"(?:[^"\\]|\\[\s\S])*"|[A-Za-z_][A-Za-z0-9_]*|&&|\|\||::|[=!<>]=|[\s\S]/gy;
const chaining = new Set(['&&', '||', 'if', 'then', 'else']);
const binding = new Set(['.', '!', '-', '+', '*', '==', '!=', '<', '>', '<=', '>=', 'in', 'has', 'like', 'is']);

interface Level {
  /** Operators that chain operands, such as `&&`: each makes the tree one deeper. */
  chain: number;
  /** Operators inside the current operand. */
  bound: number;
}

/** Measures how deep Cedar text (policies or schema) nests: an upper estimate from its tokens, in one pass, without recursion. */
export function nestingOf(text: string): number {
  const levels: Level[] = [{ chain: 0, bound: 0 }];
  let sum = 0;
  let deepest = 0;
  token.lastIndex = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const word = match[0];
    const level = levels.at(-1) ?? { chain: 0, bound: 0 };
    if (word === '(' || word === '[' || word === '{') {
      levels.push({ chain: 0, bound: 0 });
      sum += 2;
    } else if (word === ')' || word === ']' || word === '}') {
      // A closing bracket too many is left to the parser; it must not buy depth elsewhere.
      if (levels.length === 1) continue;
      levels.pop();
      sum -= 2 + level.chain + level.bound;
    } else if (word === ',' || word === ';') {
      sum -= level.chain + level.bound;
      level.chain = 0;
      level.bound = 0;
    } else if (chaining.has(word)) {
      sum += 1 - level.bound;
      level.chain += 1;
      level.bound = 0;
    } else if (binding.has(word)) {
      sum += 1;
      level.bound += 1;
    }
    deepest = Math.max(deepest, sum);
  }
  return deepest;
}
