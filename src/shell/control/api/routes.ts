import { z } from 'zod';
import { entityRoutes } from './groups/entities.ts';
import { eventRoutes } from './groups/events.ts';
import { gatewayRoutes } from './groups/gateways.ts';
import { grantRoutes } from './groups/grants.ts';
import { groupRoutes } from './groups/groups.ts';
import { invitationRoutes } from './groups/invitations.ts';
import { keyRoutes } from './groups/keys.ts';
import { meRoutes } from './groups/me.ts';
import { overviewRoutes } from './groups/overview.ts';
import { pdpRoutes } from './groups/pdp.ts';
import { policyRoutes } from './groups/policies.ts';
import { policyAccessRoutes } from './groups/policy-access.ts';
import { policyExplainRoutes } from './groups/policy-explain.ts';
import { policyFindingsRoutes } from './groups/policy-findings.ts';
import { policyLifeRoutes } from './groups/policy-life.ts';
import { policyProveRoutes } from './groups/policy-prove.ts';
import { policySimulateRoutes } from './groups/policy-simulate.ts';
import { resourceReachRoutes } from './groups/resource-reach.ts';
import { resourceRoutes } from './groups/resources.ts';
import { segmentRoutes } from './groups/segments.ts';
import { sessionRoutes } from './groups/sessions.ts';
import { tokenRoutes } from './groups/tokens.ts';
import { userRoutes } from './groups/users.ts';
import { openApiDocument } from './openapi.ts';
import { type Route, route } from './route.ts';

const described: readonly Route[] = [
  ...meRoutes,
  ...overviewRoutes,
  ...userRoutes,
  ...invitationRoutes,
  ...groupRoutes,
  ...resourceRoutes,
  ...resourceReachRoutes,
  ...segmentRoutes,
  ...sessionRoutes,
  ...tokenRoutes,
  ...grantRoutes,
  ...policyRoutes,
  ...policyAccessRoutes,
  ...policyExplainRoutes,
  ...policyLifeRoutes,
  ...policyFindingsRoutes,
  ...policySimulateRoutes,
  ...policyProveRoutes,
  ...eventRoutes,
  ...keyRoutes,
  ...gatewayRoutes,
  ...pdpRoutes,
  ...entityRoutes,
];

const documentRoute = route({
  method: 'GET',
  path: '/openapi.json',
  noun: 'me',
  action: 'read',
  summary: 'This API as an OpenAPI 3.1 document',
  answer: z.record(z.string(), z.unknown()),
  handle: async ({ services }) => ({ body: openApiDocument(described, services) }),
});

/** Every route of the admin API. Authorisation, parsing, the OpenAPI document and the tests all come from this table. */
export const routes: readonly Route[] = [...described, documentRoute];
