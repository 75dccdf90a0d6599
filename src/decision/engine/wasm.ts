import * as cedar from '@cedar-policy/cedar-wasm/nodejs';

export type { DetailedError, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
export { cedar };
