import { Agent } from 'node:https';

/** The connections to an ACME directory, and what last went wrong with one. */
export class DirectoryAgent extends Agent {
  lastTrouble: string | undefined;

  override createConnection(
    ...connecting: Parameters<Agent['createConnection']>
  ): ReturnType<Agent['createConnection']> {
    const connection = super.createConnection(...connecting);
    connection?.on('error', (error: Error) => {
      this.lastTrouble = error.message;
    });
    return connection;
  }
}
