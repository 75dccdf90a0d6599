/** What every event needs besides its content. */
export interface EventStamp {
  /** 16 random bytes, base64url; also the correlation id that people see. */
  readonly id: string;
  readonly time: number;
  readonly policySequence: number;
  readonly factRevision: number;
}

/** A person or workload, as far as known. */
export interface PrincipalInput {
  readonly type: 'User' | 'Workload' | 'Anonymous';
  /** Id of the fact; `local-operator` for the operator. */
  readonly uid: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly sessionId?: string | undefined;
}

/** The URL of a request, from its parsed parts. There is no member for the query: its values may be secrets, so it is never kept. */
export interface UrlInput {
  readonly scheme: 'http' | 'https' | 'ws' | 'wss';
  readonly hostname: string;
  readonly port?: number | undefined;
  /** The parsed path that was judged. */
  readonly path: string;
}

/** Longest attacker-controlled text that is kept in one member. */
const textCharactersMax = 2048;

/** Cuts attacker-controlled text to what one member may hold. */
export function bounded(text: string): string {
  return text.length <= textCharactersMax ? text : `${text.slice(0, textCharactersMax)}…`;
}

/** OCSF `url`. Everything behind a `?` or `#` is dropped even when a caller passed it by mistake. */
export function ocsfUrl({ scheme, hostname, port, path }: UrlInput): Record<string, unknown> {
  const end = path.search(/[?#]/);
  return {
    scheme,
    hostname: bounded(hostname),
    ...(port === undefined ? {} : { port }),
    path: bounded(end < 0 ? path : path.slice(0, end)),
  };
}

/** OCSF `user` of a person; `uid` is the id that facts go by. */
export function ocsfUser({ uid, name, email }: Omit<PrincipalInput, 'type'>): Record<string, unknown> {
  return {
    uid,
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email_addr: email }),
    type_id: 1,
  };
}

/** OCSF `actor`: a user, with the session, or the workload as an application. */
export function ocsfActor(principal: PrincipalInput): Record<string, unknown> {
  const session = principal.sessionId === undefined ? {} : { session: { uid: principal.sessionId } };
  if (principal.type === 'User') return { user: ocsfUser(principal), ...session };
  const name = principal.name ?? (principal.type === 'Anonymous' ? 'anonymous' : principal.uid);
  return { app_uid: principal.uid, app_name: name, ...session };
}

/** Whose key seals an event about a principal. */
export function subjectOf(principal: PrincipalInput): string {
  if (principal.type === 'User') return principal.uid;
  return principal.type === 'Anonymous' ? 'stranger' : 'system';
}

/** OCSF security control profile: what a verdict did. 27 is `Error`: the question could not be judged, so the answer was no. */
export interface VerdictInput {
  readonly answer: 'allow' | 'deny' | 'indeterminate';
  /** `@id`s of the deciding policies. */
  readonly reasons: readonly string[];
  readonly words: readonly string[];
  readonly errors?: readonly { readonly id: string; readonly message: string }[];
  /** What policies that were not in force would each have made of it: told as authorizations that were not applied. */
  readonly shadow?: readonly { readonly policy: string; readonly answer: VerdictInput['answer'] }[];
}

const dispositions = { allow: 1, deny: 2, indeterminate: 27 } as const;

export interface OcsfVerdict extends Record<string, unknown> {
  readonly unmapped?: Record<string, unknown>;
}

function authorization(
  uid: string,
  { answer, policySequence, isApplied }: { answer: VerdictInput['answer']; policySequence: number; isApplied: boolean },
) {
  return { decision: answer, policy: { uid, version: String(policySequence), is_applied: isApplied } };
}

export function ocsfVerdict(verdict: VerdictInput, policySequence: number): OcsfVerdict {
  const isAllowed = verdict.answer === 'allow';
  const detail = bounded(verdict.words.join(' '));
  return {
    action_id: isAllowed ? 1 : 2,
    disposition_id: dispositions[verdict.answer],
    authorizations: [
      ...verdict.reasons.map((uid) => authorization(uid, { answer: verdict.answer, policySequence, isApplied: true })),
      ...(verdict.shadow ?? []).map(({ policy, answer }) =>
        authorization(policy, { answer, policySequence, isApplied: false }),
      ),
    ],
    ...(detail === '' ? {} : { status_detail: detail }),
    ...(verdict.errors === undefined || verdict.errors.length === 0 ? {} : { unmapped: { errors: verdict.errors } }),
  };
}

/** Informational when allowed, low when refused, high when it could not be judged (a finding). */
export function severityOf(answer: VerdictInput['answer']): 1 | 2 | 4 {
  if (answer === 'allow') return 1;
  return answer === 'deny' ? 2 : 4;
}
