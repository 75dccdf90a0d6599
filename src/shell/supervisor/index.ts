export { prepareDataFolder } from './data-folder.ts';
export * from './run-up.ts';
export * from './supervisor-error.ts';
export * from './up-plan.ts';
