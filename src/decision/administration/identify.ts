import type { Asker, EntityUid, FactView, Session, Token, User } from '#foundation/model';

/** Who stands behind a question, after looking: only what is valid now counts. */
export interface Subject {
  readonly uid: EntityUid;
  readonly user: User | null;
  readonly session: { readonly id: string; readonly body: Session } | null;
  readonly token: { readonly id: string; readonly body: Token } | null;
}

const stranger: Subject = {
  uid: { type: 'Anonymous', id: 'anonymous' },
  user: null,
  session: null,
  token: null,
};

/** The local operator: whoever may open the control socket. */
export const operatorUid: EntityUid = { type: 'Workload', id: 'local-operator' };

/**
 * Resolves an asker to a subject at a time (milliseconds since the epoch). An ended session, an expired token, or one
 * whose user is gone makes a stranger, and so does a token of a suspended user: no policy can forget to check that.
 */
export function identify(view: FactView, { asker, now }: { asker: Asker; now: number }): Subject {
  switch (asker.kind) {
    case 'anonymous':
      return stranger;
    case 'operator':
      return { ...stranger, uid: operatorUid };
    case 'session': {
      const session = view.get('session', asker.sessionId);
      if (session === undefined || session.status !== 'active' || now >= session.expiresAt) return stranger;
      const user = view.get('user', session.user);
      if (user === undefined) return stranger;
      const uid = { type: 'User', id: session.user };
      return { uid, user, session: { id: asker.sessionId, body: session }, token: null };
    }
    case 'token': {
      const token = view.get('token', asker.tokenId);
      if (token === undefined || token.status !== 'active' || now >= token.expiresAt) return stranger;
      const found = { id: asker.tokenId, body: token };
      if (token.owner.type === 'Workload') return { ...stranger, uid: token.owner, token: found };
      const user = view.get('user', token.owner.id);
      // Sessions end with the suspension; tokens wait for the day when their owner may come back.
      return user?.status === 'active' ? { uid: token.owner, user, session: null, token: found } : stranger;
    }
  }
}
