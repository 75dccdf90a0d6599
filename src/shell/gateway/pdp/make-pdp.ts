import type { PublishedPolicies } from '#decision/administration';
import type { FactView, Question, Verdict } from '#foundation/model';
import type { PublicUrls } from '#shell/wire';
import { Callers } from './caller.ts';
import { KnownNames } from './known-names.ts';
import type { Pdp } from './pdp.ts';
import { requestForApp } from './request-for-app.ts';

interface PdpNeeds {
  readonly facts: ConstructorParameters<typeof KnownNames>[0] & FactView;
  readonly policies: () => PublishedPolicies | null;
  readonly judge: (question: Question, now: number) => Verdict;
  readonly urls: PublicUrls;
  readonly pageKey: Pdp['pageKey'];
}

/** Puts the PDP of this process together. */
export function makePdp({ facts, policies, judge, urls, pageKey }: PdpNeeds): Pdp {
  const names = new KnownNames(facts);
  const requestFor = requestForApp(facts, urls);
  const needsFor: Pdp['needsFor'] = ({ caller, isSearch, now }) => ({
    view: facts,
    policies: policies(),
    scope: caller.scope,
    now,
    isSearch,
    findUser: (name) => names.findUser(name),
    requestFor,
  });
  return {
    host: `pdp.${urls.domain}`,
    callers: new Callers({ facts, judge, policies }),
    names,
    needsFor,
    policySequence: () => policies()?.sequence ?? 0,
    pageKey,
  };
}
