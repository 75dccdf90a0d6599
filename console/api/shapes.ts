import type {
  Grant,
  Group,
  PolicyDraft,
  PolicyStage,
  Publication,
  Remedy,
  Resource,
  Segment,
  Session,
  Token,
  User,
  Verdict,
} from '#foundation/model';

/** A fact as the API shows it: `revision` is its ETag. */
export type View<B> = B & { readonly id: string; readonly revision: number };
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export type UserView = View<User> & { readonly passkeys: number };
export type GroupView = View<Group>;
export type SegmentView = View<Segment>;
export type ResourceView = View<Resource> & { readonly url: string };
export type SessionView = View<Session>;
export type TokenView = View<Omit<Token, 'hash'>>;
export type GrantView = View<Grant>;
export type PolicyFile = Publication['policies'][number];
export type PublicationView = View<Omit<Publication, 'manifest' | 'parsed'>>;
/** `isNew` false: it was in force already. */
export type PublishedView = PublicationView & { readonly isNew: boolean };

export type Noun =
  | 'me'
  | 'overview'
  | 'user'
  | 'invitation'
  | 'group'
  | 'resource'
  | 'segment'
  | 'session'
  | 'token'
  | 'grant'
  | 'policy'
  | 'policy-override'
  | 'event'
  | 'key'
  | 'gateway'
  | 'pdp'
  | 'entity';

export interface Me {
  readonly kind: 'user' | 'token' | 'operator';
  readonly user: {
    readonly id: string;
    readonly name: string;
    readonly displayName: string;
    readonly email: string | null;
    readonly groups: readonly string[];
  } | null;
  readonly session: {
    readonly id: string;
    readonly credential: Session['credential'];
    readonly provider: string;
    readonly authTime: number;
    readonly expiresAt: number;
    readonly bound: boolean;
    readonly phishingResistant: boolean;
  } | null;
  readonly rights: { readonly read: readonly Noun[]; readonly write: readonly Noun[] };
  /** `apps` holds `{app}` where the app's name stands. */
  readonly urls: { readonly console: string; readonly id: string; readonly apps: string };
  readonly version: string;
}

export interface MyApp {
  readonly id: string;
  readonly displayName: string;
  readonly description: string;
  readonly url: string;
  readonly segment: string | null;
  readonly answer: Verdict['answer'];
  readonly words: readonly string[];
  readonly remedies: readonly Remedy[];
  readonly requestable: boolean;
}

/** An OCSF event as the journal holds it. `payload` is attacker-influenced: show it as text only. */
export interface EventView {
  readonly id: string;
  readonly time: number;
  readonly writer: string;
  readonly seq: number;
  readonly classUid: number;
  readonly activityId: number;
  readonly severityId: number;
  readonly statusId: number;
  readonly policySequence: number;
  readonly factRevision: number;
  /** Null when the person it is about was erased, or it is damaged. */
  readonly payload: Readonly<Record<string, unknown>> | null;
  readonly isDamaged: boolean;
}

export interface Overview {
  readonly counts: {
    readonly users: number;
    readonly activeSessions: number;
    readonly resources: number;
    readonly segments: number;
    readonly groups: number;
    readonly pendingGrants: number;
    readonly tokens: number;
    readonly policies: number;
  };
  readonly policy: {
    readonly sequence: number;
    readonly publishedAt: number;
    readonly author: string;
    readonly message: string;
  } | null;
  readonly revision: number;
  readonly epoch: number;
  readonly processes: readonly {
    readonly name: string;
    readonly state: 'up' | 'down';
    readonly detail: string | null;
  }[];
  readonly recentDenials: readonly EventView[];
  readonly config: {
    readonly file: string | null;
    readonly state: 'ok' | 'refused';
    readonly problem: string | null;
    readonly loadedAt: number;
    /** Changed keys that take effect after a restart. */
    readonly restart: readonly string[];
  };
}

export interface ActivityBucket {
  readonly start: number;
  readonly allowed: number;
  readonly denied: number;
}

export interface Invitation {
  readonly id: string;
  readonly name: string | null;
  readonly displayName?: string | null;
  /** Only in the answer that created it. */
  readonly url?: string;
  readonly expiresAt: number;
  readonly createdAt?: number;
  readonly admin?: boolean;
}

export interface ReachAnswer {
  readonly action: string;
  readonly answer: Verdict['answer'];
  readonly reasons: readonly string[];
}

/** What one person may do on an app. */
export interface ReachRow {
  readonly user: string;
  readonly name: string;
  readonly displayName: string;
  /** Judged from their session, or as if they had just signed in. */
  readonly basis: 'session' | 'sign-in';
  readonly actions: readonly ReachAnswer[];
}

export interface ReachPage extends Page<ReachRow> {
  readonly strangers: readonly ReachAnswer[];
  readonly policies: readonly { readonly id: string; readonly description: string }[];
}

/** `local`: the gateway that runs beside control. */
export interface GatewayView {
  readonly name: string;
  readonly status: 'local' | 'invited' | 'active';
  readonly following: boolean;
  readonly seenAt: number | null;
  readonly version: string | null;
  readonly behind: number | null;
  readonly open: number | null;
  /** How far control has its journal. */
  readonly journal: {
    readonly records: number;
    readonly signed: { readonly records: number; readonly at: number } | null;
    readonly problem: string | null;
  } | null;
  readonly tokenExpiresAt: number | null;
}

/** A token that may ask the PDP; `lastUsedAt` as far as the gateways running now remember. */
export type PdpCallerView = TokenView & { readonly lastUsedAt: number | null };

export interface PdpView {
  readonly url: string;
  readonly listeners: readonly { readonly gateway: string; readonly url: string }[];
  readonly mutualTls: readonly { readonly gateway: string; readonly url: string }[];
  readonly callers: readonly PdpCallerView[];
}

/** Only in the answer that invited it. */
export interface InvitedGateway {
  readonly name: string;
  readonly command: string;
  readonly expiresAt: number;
}

/** A key that the signer holds; never the key. */
export interface KeyView {
  readonly purpose: 'token' | 'statement' | 'ca' | 'peer-ca';
  readonly id: string;
  readonly algorithm: string;
  readonly state: 'announced' | 'signing' | 'retiring';
  readonly createdAt: number;
  readonly signsFrom: number;
  readonly shownUntil: number | null;
}

/** What goes on at an app now. */
export interface ResourceLive {
  readonly sessions: number;
  readonly people: number;
  readonly open: number;
  readonly gateways: readonly { readonly name: string; readonly open: number; readonly reportedAt: number }[];
}

export interface PolicyProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly policy?: string;
  readonly help?: string;
}

export type DraftView = View<PolicyDraft>;
/** A draft without its texts. */
export type DraftSummary = Pick<DraftView, 'id' | 'revision' | 'author' | 'message' | 'savedAt'>;

export interface PublicationSummary extends Pick<Publication, 'states' | 'git' | 'override'> {
  readonly sequence: number;
  readonly revision: number;
  readonly author: string;
  readonly message: string;
  readonly publishedAt: number;
  readonly policyCount: number;
}

/** A policy that is published, with its state. */
export interface StatedPolicy {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly effect: 'permit' | 'forbid';
  readonly description: string;
  readonly state: 'enforced' | 'shadow' | 'staged';
  readonly stage: PolicyStage | null;
}

/** What policies that are not in force would have changed. */
export interface ShadowCounts {
  readonly since: number;
  readonly isComplete: boolean;
  readonly items: readonly {
    readonly policy: string;
    readonly allow: number;
    readonly deny: number;
    readonly lastAt: number;
    readonly example: string;
  }[];
}

/** Policies that failed while they were judged. */
export interface PolicyErrors {
  readonly isComplete: boolean;
  readonly items: readonly {
    readonly policy: string;
    readonly times: number;
    readonly refused: number;
    /** Null for who may not read events, as is the example. */
    readonly message: string | null;
    readonly example: string | null;
  }[];
}

export interface TestedPolicies {
  readonly ok: boolean;
  readonly problems: readonly PolicyProblem[];
  readonly failures: readonly string[];
  readonly report: {
    readonly passed: number;
    readonly failed: number;
    readonly results: readonly {
      readonly name: string;
      readonly file: string;
      readonly line: number;
      readonly passed: boolean;
      readonly words: readonly string[];
    }[];
    readonly coverage: {
      readonly percent: number;
      readonly outcomes: number;
      readonly shown: number;
      readonly policies: readonly {
        readonly id: string;
        readonly file: string;
        readonly line: number;
        readonly outcomes: number;
        readonly shown: number;
        readonly gaps: readonly {
          readonly kind: 'policy' | 'clause' | 'condition';
          readonly clause: 'when' | 'unless' | null;
          readonly text: string;
          readonly never: readonly string[];
        }[];
      }[];
    };
  } | null;
}
