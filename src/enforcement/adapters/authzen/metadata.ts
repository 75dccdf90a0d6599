/** Paths of the Authorization API 1.0, HTTPS binding (section 10.1). */
export const authzenPaths = {
  evaluation: '/access/v1/evaluation',
  evaluations: '/access/v1/evaluations',
  subject: '/access/v1/search/subject',
  resource: '/access/v1/search/resource',
  action: '/access/v1/search/action',
  metadata: '/.well-known/authzen-configuration',
} as const;

/** The metadata document, section 9.1. `origin`: where this PDP is reached, such as `https://pdp.example.com`. */
export function pdpMetadata(origin: string): Readonly<Record<string, string>> {
  return {
    policy_decision_point: origin,
    access_evaluation_endpoint: origin + authzenPaths.evaluation,
    access_evaluations_endpoint: origin + authzenPaths.evaluations,
    search_subject_endpoint: origin + authzenPaths.subject,
    search_resource_endpoint: origin + authzenPaths.resource,
    search_action_endpoint: origin + authzenPaths.action,
  };
}
