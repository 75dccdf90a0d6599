/** Why one policy could not be evaluated. Not an `Error`: it is an ordinary outcome, and taking stacks costs more than deciding. */
export class EvaluationError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}
