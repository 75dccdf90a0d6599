import { ocsfActor, type PrincipalInput, subjectOf } from './ocsf-objects.ts';

/** The number by which one writer goes by the key that seals what is about a principal. */
export interface KeyNumber {
  /** Stands for the keys that this writer knows by such numbers. */
  readonly among: object;
  readonly number: number;
  /** The keys there were when the number was last found to be right. */
  version: number | undefined;
}

/** A principal who is in many events: written down once, and the key that seals them looked for once. Never changed in place. */
export class WrittenPrincipal implements PrincipalInput {
  readonly type: PrincipalInput['type'];
  readonly uid: string;
  readonly name: string | undefined;
  readonly email: string | undefined;
  readonly sessionId: string | undefined;
  /** Whose key seals the event. */
  readonly subject: string;
  /** Of the journal that the last event went to, which alone looks at it. */
  keyNumber: KeyNumber | null = null;
  #actor: string | undefined;

  constructor(principal: PrincipalInput) {
    const { type, uid, name, email, sessionId } = principal;
    this.type = type;
    this.uid = uid;
    this.name = name;
    this.email = email;
    this.sessionId = sessionId;
    this.subject = subjectOf(principal);
  }

  /** OCSF `actor` as JSON. */
  get actor(): string {
    this.#actor ??= JSON.stringify(ocsfActor(this));
    return this.#actor;
  }
}
