export * from './clock.ts';
export * from './entity-uid.ts';
export * from './fact.ts';
export * from './journal-event.ts';
export * from './pdp-scope.ts';
export * from './question.ts';
export * from './slots.ts';
export * from './verdict.ts';
