import type { Command } from './command.ts';
import { backupCommands } from './nouns/backup.ts';
import { checkCommands } from './nouns/check.ts';
import { decideCommands } from './nouns/decide.ts';
import { entityCommands } from './nouns/entity.ts';
import { gatewayCommands } from './nouns/gateway.ts';
import { grantCommands } from './nouns/grant.ts';
import { groupCommands } from './nouns/group.ts';
import { invitationCommands } from './nouns/invitation.ts';
import { keyCommands } from './nouns/key.ts';
import { logCommands } from './nouns/log.ts';
import { pdpCommands } from './nouns/pdp.ts';
import { policyCommands } from './nouns/policy.ts';
import { policyProveCommands } from './nouns/policy-prove.ts';
import { protectCommands } from './nouns/protect.ts';
import { resourceCommands } from './nouns/resource.ts';
import { segmentCommands } from './nouns/segment.ts';
import { sessionCommands } from './nouns/session.ts';
import { tokenCommands } from './nouns/token.ts';
import { upCommands } from './nouns/up.ts';
import { userCommands } from './nouns/user.ts';
import { versionCommands } from './nouns/version.ts';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  ...upCommands,
  ...checkCommands,
  ...protectCommands,
  ...userCommands,
  ...invitationCommands,
  ...groupCommands,
  ...resourceCommands,
  ...segmentCommands,
  ...sessionCommands,
  ...tokenCommands,
  ...grantCommands,
  ...pdpCommands,
  ...entityCommands,
  ...policyCommands,
  ...policyProveCommands,
  ...decideCommands,
  ...logCommands,
  ...keyCommands,
  ...gatewayCommands,
  ...backupCommands,
  ...versionCommands,
];
