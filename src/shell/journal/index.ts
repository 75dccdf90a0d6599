export { keepStatementKeys, statementKeysFile } from './keep-statement-keys.ts';
export { lockFolder } from './lock-folder.ts';
export type { JournalClient, StartJournalOptions } from './start-journal.ts';
export { startJournal } from './start-journal.ts';
export { noteVerifier, readStatementKeys } from './statement-keys.ts';
