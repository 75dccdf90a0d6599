export * from './fact-table.ts';
export * from './inventory-error.ts';
export * from './parse-fact-row.ts';
