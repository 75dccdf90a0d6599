export * from './base64url.ts';
export * from './canonical-json.ts';
