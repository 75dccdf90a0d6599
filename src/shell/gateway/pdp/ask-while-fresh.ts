import {
  type AboutNeeds,
  askAbout,
  type JudgedAbout,
  type NotJudged,
  type QuestionAbout,
} from '#decision/administration';
import type { Gate } from '../gate.ts';
import { hostOf } from '../sites.ts';

const tooOld = 'the facts are too old for an app this sensitive; try again shortly';

/**
 * Judges within a caller's scope, by facts that are fresh enough for the app in question: away from control, an app of high sensitivity
 * has no lease, whoever enforces. The gateway's own door and proxies' calls ask the same.
 */
export function askWhileFresh(
  gate: Gate,
  { needs, about }: { readonly needs: AboutNeeds; readonly about: QuestionAbout },
): JudgedAbout | NotJudged {
  const outcome = askAbout(needs, about);
  if (!('verdict' in outcome) || outcome.resource.type !== 'App') return outcome;
  const site = gate.sites().get(hostOf(outcome.resource.id, gate.urls));
  if (gate.isFreshFor(site?.sensitivity ?? 'high')) return outcome;
  gate.metrics.count('nullius_unavailable_total');
  const errors = [{ id: '', message: tooOld }];
  return { ...outcome, verdict: { ...outcome.verdict, answer: 'indeterminate', reasons: [], words: [], errors } };
}
