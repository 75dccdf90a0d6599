import * as cedar from '@cedar-policy/cedar-wasm/nodejs';

export type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
export { cedar };
