import type { FactView } from '#foundation/model';
import { administrators, createInvitation, type IdentityCore } from '#information/identity';

/** The first link is for whoever sits at the machine now. */
const linkLifetimeMs = 15 * 60_000;

/** While nobody is an administrator, makes a one-time link for the first and tells the operator's terminal. */
export async function inviteFirstAdministrator(needs: {
  readonly facts: FactView;
  readonly core: IdentityCore;
  readonly notice: (line: string) => void;
}): Promise<void> {
  for (const [, user] of needs.facts.all('user')) if (user.groups.includes(administrators)) return;
  const { url } = await createInvitation(needs.core, {
    request: { groups: [], admin: true, lifetimeMs: linkLifetimeMs },
    by: 'Workload::"local-operator"',
  });
  needs.notice(`first administrator ${url}`);
}
