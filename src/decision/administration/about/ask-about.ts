import { vocabularyOf } from '#decision/engine';
import type { EntityUid, FactView, Question, RequestContext } from '#foundation/model';
import { type PdpScope, pdpScopeCovers } from '#foundation/model';
import type { PublishedPolicies } from '../judge.ts';
import { judgeApp } from './judge-app.ts';
import { denyUnpermitted, judgeEntities, type VerdictAbout } from './judge-entities.ts';
import type { Given, NotJudged, QuestionAbout } from './question-about.ts';
import { ownType, resolveWords } from './resolve-types.ts';

export interface AboutNeeds {
  readonly view: FactView;
  readonly policies: PublishedPolicies | null;
  readonly scope: PdpScope;
  readonly now: number;
  /** Is the answer part of a search? Then the scope must allow searching. */
  readonly isSearch: boolean;
  /** The one user with this id, login name or e-mail address; undefined when there is none, or it could be two. */
  findUser(name: string): string | undefined;
  /** What a request for this app says, from what a caller said by name; words when it cannot be read in one way only. */
  requestFor(
    app: string,
    about: { readonly action: Question['action']; said(name: string): unknown },
  ): RequestContext | string;
}

export interface JudgedAbout {
  readonly verdict: VerdictAbout;
  readonly subject: EntityUid;
  readonly resource: EntityUid;
}

/** The same words for what is not there and for what the caller may not ask about. */
const unknownResource: Pick<NotJudged, 'problem' | 'message'> = {
  problem: 'unknown',
  message: 'there is no such resource or action that this caller may ask about',
};

const nobody: EntityUid = { type: 'Anonymous', id: 'anonymous' };
const appActions: ReadonlySet<string> = new Set(['read', 'write', 'delete', 'connect']);

/** Judges what an enforcement point asks about somebody else, within what it may ask about. */
export function askAbout(needs: AboutNeeds, about: QuestionAbout): JudgedAbout | NotJudged {
  return ownType(about.resource.type) === 'App' ? askAboutApp(needs, about) : askInNamespace(needs, about);
}

/** Who is meant; null: nobody we know, who is nobody in particular. */
export function subjectOf(
  needs: Pick<AboutNeeds, 'findUser'>,
  { type, id }: { type: string; id: string },
): EntityUid | null {
  switch (ownType(type)) {
    case 'User': {
      const user = needs.findUser(id);
      return user === undefined ? null : { type: 'User', id: user };
    }
    case 'Workload':
      return { type: 'Workload', id };
    case 'Anonymous':
      return nobody;
    default:
      return null;
  }
}

function askAboutApp(needs: AboutNeeds, about: QuestionAbout): JudgedAbout | NotJudged {
  const { view, policies, scope, now, isSearch } = needs;
  const subject = subjectOf(needs, about.subject);
  const app = about.resource.id;
  const action = about.action.name;
  const isKnown = view.get('resource', app) !== undefined && isAppAction(action);
  if (!pdpScopeCovers(scope, { app, isSearch }) || !isKnown) return { ...unknownResource, subject };
  const request = needs.requestFor(app, { action, said: (name) => said(about, name) });
  if (typeof request === 'string') return { problem: 'malformed', message: request, subject };
  const sessionId = typeof about.context['session'] === 'string' ? about.context['session'] : null;
  const resource = { type: 'App', id: app };
  // Whom nobody knows is judged like any stranger, so that the answer does not tell who is known.
  const asked = {
    subject: subject ?? nobody,
    sessionId: subject === null ? null : sessionId,
    action,
    resource,
    request,
  };
  return { verdict: judgeApp(view, { policies, now, about: asked }), subject: asked.subject, resource };
}

/** Looked up, never copied: a caller may put a megabyte beside a thousand questions. */
function said({ action, context }: QuestionAbout, name: string): unknown {
  const from: Given = Object.hasOwn(context, name) ? context : action.properties;
  return Object.hasOwn(from, name) ? from[name] : undefined;
}

function isAppAction(name: string): name is Question['action'] {
  return appActions.has(name);
}

function askInNamespace(needs: AboutNeeds, about: QuestionAbout): JudgedAbout | NotJudged {
  const { view, policies, scope, now, isSearch } = needs;
  if (policies === null) return { ...unknownResource, subject: null };
  const vocabulary = vocabularyOf(policies.compiled.schemaJson);
  const [asked, done, by] = [about.resource.type, about.action.name, about.subject.type];
  const words = resolveWords({ resource: asked, action: done, subject: by }, { vocabulary, scope, isSearch });
  if (words === undefined) return { ...unknownResource, subject: null };
  const { type, action, own } = words;
  const subject = own === undefined ? subjectOf(needs, about.subject) : { type: own, id: about.subject.id };
  if (action === undefined) return { ...unknownResource, subject };
  const takePart = action.principalTypes;
  // By type, whoever it is: whether somebody is known here must not show.
  if (own === undefined && !takePart.has(ownType(by) ?? '')) return { ...unknownResource, subject };
  const resource = { type, id: about.resource.id };
  const principal = subject ?? nobody;
  // Whom nobody knows is judged as a stranger, and where strangers take no part, told what somebody is whom no policy permits.
  if (subject === null && !takePart.has(nobody.type))
    return { verdict: denyUnpermitted({ view, policies, now }), subject: principal, resource };
  const question = {
    principal: { uid: principal, given: about.subject.properties },
    action,
    actionGiven: about.action.properties,
    resource: { uid: resource, given: about.resource.properties },
    context: about.context,
  };
  return { verdict: judgeEntities(view, { policies, question, now }), subject: principal, resource };
}
