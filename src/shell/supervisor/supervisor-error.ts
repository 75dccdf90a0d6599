/** Why the program cannot run, in words for the operator: exit code 3. */
export class SupervisorError extends Error {
  override readonly name = 'SupervisorError';
}
