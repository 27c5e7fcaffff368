/**
 * What a job found and only a person can mend. It is not tried again, and the health of the hub tells of it until a later
 * run of the same job is done: a failure for another reason meanwhile proves nothing.
 */
export class FoundProblem extends Error {
  override readonly name = 'FoundProblem';
  /** A word for machines, such as `database_damaged`. */
  readonly kind: string;
  /** What the person is to do, a sentence. */
  readonly action: string;

  constructor(kind: string, message: string, action: string) {
    super(message);
    this.kind = kind;
    this.action = action;
  }
}
