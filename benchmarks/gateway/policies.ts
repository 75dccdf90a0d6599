/** A policy set of realistic shape: teams, apps, conditions on session and time; none concerns the benchmark's own app. */
export function realisticPolicies(count: number): { count: number; text: string } {
  const policies = Array.from({ length: count }, (_, index) => {
    const team = `team-${index % 40}`;
    const app = `app-${index % 100}`;
    const kinds = [
      `permit(principal in Group::"${team}", action == Action::"read", resource == App::"${app}");`,
      `permit(principal in Group::"${team}", action in Action::"access", resource == App::"${app}") when { context.session.phishingResistant };`,
      `forbid(principal in Group::"${team}", action == Action::"delete", resource == App::"${app}") when { context.session.authAgeSeconds > 3600 };`,
      `permit(principal in Group::"${team}", action == Action::"write", resource == App::"${app}") when { context.route == "api" && !context.device.known };`,
    ];
    return `@id("bench-${index}")\n@description("Benchmark policy ${index}")\n${kinds[index % kinds.length]}\n`;
  });
  return { count, text: policies.join('\n') };
}
