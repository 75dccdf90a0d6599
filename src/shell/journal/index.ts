export { lockFolder } from './lock-folder.ts';
export type { JournalClient, StartJournalOptions } from './start-journal.ts';
export { startJournal } from './start-journal.ts';
export { keepStatementKeys, noteVerifier, readStatementKeys, statementKeysFile } from './statement-keys.ts';
