export * from './base64url.ts';
export * from './canonical-json.ts';
export * from './json-text.ts';
export * from './lower-ascii.ts';
