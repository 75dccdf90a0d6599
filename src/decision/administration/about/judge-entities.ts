import {
  type ActionWords,
  type DecisionRequest,
  EngineError,
  type EntityJson,
  requestMisfit,
  vocabularyOf,
} from '#decision/engine';
import { type EntityUid, type FactView, formatUid, type Verdict } from '#foundation/model';
import { datetime } from '../cedar-request.ts';
import { HierarchyTooLarge } from '../hierarchy.ts';
import { answerAtDoor, couldNotJudge, explain, type PublishedPolicies, timeReviewMs } from '../judge.ts';
import { entitiesMax, gatherEntities, givenEntities, pick, TooManyEntities } from './gather-entities.ts';
import type { Given } from './question-about.ts';

/** A question whose action and resource belong to an application that only asks. */
export interface EntityQuestion {
  readonly principal: { readonly uid: EntityUid; readonly given: Given };
  readonly action: ActionWords;
  readonly actionGiven: Given;
  readonly resource: { readonly uid: EntityUid; readonly given: Given };
  readonly context: Given;
}

/** Of a question that is put once: nobody keeps it to ask again when a fact changes. */
export type VerdictAbout = Omit<Verdict, 'read'>;

/** Says no as to somebody whom no policy permits, without a question. */
export function denyUnpermitted({
  view,
  policies: { compiled, sequence },
  now,
}: {
  view: FactView;
  policies: PublishedPolicies;
  now: number;
}): VerdictAbout {
  const judgeAgainAt = compiled.readsTime ? now + timeReviewMs : null;
  const common = { policySequence: sequence, factRevision: view.revision, judgeAgainAt };
  return { answer: 'deny', ...explain(compiled, []), errors: [], ...common };
}

/**
 * Judges a question by stored entities, as strictly as judge(): an allow during which a `forbid` errored, and whatever does not fit
 * the schema, is `indeterminate`. Of what the caller gives, attributes the schema does not know are ignored, and none replaces a
 * stored one; `now` in a context is this process's own.
 */
export function judgeEntities(
  view: FactView,
  { policies, question, now }: { policies: PublishedPolicies; question: EntityQuestion; now: number },
): VerdictAbout {
  const { compiled, sequence } = policies;
  const { principal, action, resource } = question;
  const vocabulary = vocabularyOf(compiled.schemaJson);
  const factRevision = view.revision;
  const judgeAgainAt = compiled.readsTime ? now + timeReviewMs : null;
  let request: DecisionRequest | undefined;
  try {
    const shape = action.context;
    const context = Object.assign(pick(shape, question.actionGiven), pick(shape, question.context));
    if (shape.has('now')) context['now'] = datetime(now);
    const named = [principal, resource];
    const isStored = policies.entities?.standsFor(view, { about: 'everything' }) === true;
    const entities = isStored
      ? givenEntities(view, { vocabulary, named, isStored: (uid) => policies.entities?.store.has(uid) === true })
      : gatherEntities(view, {
          vocabulary,
          named: [...named, ...compiled.named.map((uid) => ({ uid, given: {} }))],
          context,
        });
    request = {
      principal: principal.uid,
      action,
      resource: resource.uid,
      context,
      entities,
      isWhole: !isStored,
    };
    const above = isStored ? storedAncestors(policies, question) : (uid: EntityUid) => ancestorsOf(uid, entities);
    const subject = () => ({ principal: principal.uid, groups: above(principal.uid), segments: above(resource.uid) });
    // Told one by one, as in judge(): copying costs more.
    const { answer, reasons, words, errors, shadow } = answerAtDoor(policies, { request, subject });
    const verdict = { answer, reasons, words, errors, policySequence: sequence, factRevision, judgeAgainAt };
    return shadow === undefined ? verdict : { ...verdict, shadow };
  } catch (error) {
    const isOurs =
      error instanceof EngineError || error instanceof HierarchyTooLarge || error instanceof TooManyEntities;
    if (!isOurs) throw error;
    const misfit = request && compiled.schemaJson && requestMisfit(request, compiled.schemaJson);
    const errors = [{ id: '', message: misfit ?? error.message }];
    const words = [couldNotJudge];
    return {
      answer: 'indeterminate',
      reasons: [],
      words,
      errors,
      policySequence: sequence,
      factRevision,
      judgeAgainAt,
    };
  }
}

/** All entities above one, by the store. Throws TooManyEntities for what would be too much to bring along, too. */
function storedAncestors(
  { entities }: PublishedPolicies,
  { principal, resource }: EntityQuestion,
): (uid: EntityUid) => readonly EntityUid[] {
  const above = (uid: EntityUid) => entities?.store.above(uid) ?? [];
  if (above(principal.uid).length + above(resource.uid).length > entitiesMax)
    throw new TooManyEntities(`more than ${entitiesMax} entities stand above those of this question`);
  return above;
}

/** All entities above one, as far as they are given. */
function ancestorsOf({ type, id }: EntityUid, entities: readonly EntityJson[]): EntityUid[] {
  const byUid = new Map(entities.map((entity) => [formatUid(entity.uid), entity]));
  const found = new Map<string, EntityUid>();
  const visit = (uid: EntityUid) => {
    for (const parent of byUid.get(formatUid(uid))?.parents ?? []) {
      const key = formatUid(parent);
      if (found.has(key)) continue;
      found.set(key, parent);
      visit(parent);
    }
  };
  visit({ type, id });
  return [...found.values()];
}
