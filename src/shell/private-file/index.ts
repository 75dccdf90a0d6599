export * from './private-file.ts';
