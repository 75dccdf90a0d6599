import type { FactView, Remedy } from '#foundation/model';
import { type Facts, factsForQuestion } from './facts-for-question.ts';
import { type Ancestry, groupsAbove, HierarchyTooLarge } from './hierarchy.ts';
import { type JudgeInput, judgeFacts } from './judge.ts';
import { userEntity } from './standing.ts';

/** A hypothetical change of facts, and what a person would do to make it true. */
interface Hypothesis {
  readonly remedy: Remedy;
  apply(facts: Facts): Facts;
}

/** So many groups does the hypothetical person who might sign in belong to, at most. */
const hypotheticalGroupsMax = 500;

// No fact has an empty id, so no policy written for somebody, or for some grant, means these.
const somebody = { type: 'User', id: '' } as const;

/** The session of somebody who has just signed in with a passkey, as policies see it. */
export const freshPasskey = {
  present: true,
  credential: 'passkey',
  phishingResistant: true,
  authAgeSeconds: 0,
  bound: false,
  provider: 'local',
} as const;

function signedIn(facts: Facts, groups: Ancestry): Facts {
  return {
    ...facts,
    principal: somebody,
    principalEntity: userEntity(somebody, {
      user: { name: '', email: '', status: 'active', source: 'local' },
      parents: groups.uids,
    }),
    groups,
    session: freshPasskey,
  };
}

function withGrant(facts: Facts): Facts {
  const body = { user: facts.principal.id, resource: facts.resource.id, expiresAt: facts.now + 1 };
  return { ...facts, grants: [{ id: '', body }] };
}

const requestGrant: Hypothesis = {
  remedy: { kind: 'request-grant', words: 'Ask for access for a limited time.' },
  apply: withGrant,
};

/** What the person who asks could change by themselves, or ask for. */
function hypotheses(facts: Facts, view: FactView): Hypothesis[] {
  const found: Hypothesis[] = [];
  const { session, device } = facts;
  if (session.present) {
    found.push({
      remedy: { kind: 'fresh-authentication', words: 'Sign in again to prove it is still you.' },
      apply: (now) => ({ ...now, session: { ...now.session, authAgeSeconds: 0 } }),
    });
    if (!session.phishingResistant || session.credential === 'recovery') {
      found.push({
        remedy: { kind: 'stronger-credential', words: 'Sign in with a passkey.' },
        apply: (now) => ({ ...now, session: { ...freshPasskey, bound: now.session.bound } }),
      });
    }
    if (!session.bound) {
      found.push({
        remedy: { kind: 'bound-session', words: 'Use a browser or device that binds your session to a key.' },
        apply: (now) => ({ ...now, session: { ...now.session, bound: true } }),
      });
    }
    if (device.compliance !== 'compliant') {
      found.push({
        remedy: { kind: 'compliant-device', words: 'Use a device that is enrolled and compliant.' },
        apply: (now) => ({ ...now, device: { known: true, compliance: 'compliant' } }),
      });
    }
  }
  if (facts.principal.type === 'User' && isRequestable(facts, view)) found.push(requestGrant);
  return found;
}

function isRequestable(facts: Facts, view: FactView): boolean {
  if (facts.resource.type !== 'App' || facts.grants.length > 0) return false;
  return view.get('resource', facts.resource.id)?.requestable === true;
}

/** A stranger: would signing in help, as someone ordinary, as someone in every group, or with a grant asked for afterwards? */
function signInHelps(facts: Facts, { view, allows }: { view: FactView; allows: (facts: Facts) => boolean }): boolean {
  const ordinary = signedIn(facts, groupsAbove(view, ['everyone']));
  if (allows(ordinary)) return true;
  const names = ['everyone', 'administrators'];
  for (const [id] of view.all('group')) {
    if (names.length >= hypotheticalGroupsMax) break;
    names.push(id);
  }
  const insider = signedIn(facts, groupsAbove(view, names));
  return (
    allows(insider) || (isRequestable(insider, view) && (allows(withGrant(ordinary)) || allows(withGrant(insider))))
  );
}

const signIn: Remedy = { kind: 'sign-in', words: 'Sign in.' };

/** Two steps as one remedy: what takes longest comes first, since a fresh proof does not stay fresh while others decide. */
function inOrder(first: Remedy, second: Remedy): Remedy {
  const [now, then] = second.kind === 'request-grant' ? [second, first] : [first, second];
  return { kind: now.kind, words: `${now.words} Then: ${then.words}` };
}

/**
 * Finds what would turn a denial into an allow, by asking again with hypothetical facts: one change, or two together.
 * Each remedy is enough by itself, easiest first; where it takes two steps, `kind` is the first and the words name both.
 * At most 15 questions are asked. Tokens get none: a program cannot sign in.
 */
export function findRemedies(input: JudgeInput): Remedy[] {
  const { policies, view } = input;
  if (policies === null) return [];
  try {
    const facts = factsForQuestion(view, input);
    if (facts === null || facts.token.present || facts.principal.type === 'Workload') return [];
    const allows = (changed: Facts) => judgeFacts(input, changed).answer === 'allow';
    if (facts.principal.type === 'Anonymous') return signInHelps(facts, { view, allows }) ? [signIn] : [];

    const tried = hypotheses(facts, view);
    const single = tried.filter(({ apply }) => allows(apply(facts)));
    if (single.length > 0) return single.map(({ remedy }) => remedy);
    for (const [index, first] of tried.entries()) {
      for (const second of tried.slice(index + 1)) {
        if (allows(second.apply(first.apply(facts)))) return [inOrder(first.remedy, second.remedy)];
      }
    }
    return [];
  } catch (error) {
    if (error instanceof HierarchyTooLarge) return [];
    throw error;
  }
}
