// A made-up company of thirty teams and sixty apps: 200 policies and 100 invariants over them, the same at every run.

const teams = Array.from({ length: 30 }, (_, index) => `team-${index}`);
const apps = Array.from({ length: 60 }, (_, index) => `app-${index}`);
const segments = ['public', 'internal', 'finance', 'pci', 'health', 'production'];

export const schema = `
entity Group in [Group];
entity User in [Group] { name: String, status: String, employment: String, clearance: Long, country: String, manager?: User };
entity Workload in [Group] { owner: User, attested: Bool };
entity Segment in [Segment] { sensitivity: String };
entity App in [Segment] { sensitivity: String, owner: Group, countries: Set<String>, until?: datetime };
entity Dataset in [Segment] { sensitivity: String, labels: Set<String>, owner: Group };
entity Grant { user: User, app: App };
type Request = {
  method: String, path: String, route: String, address: ipaddr, tls: Bool, now: datetime,
  session: { present: Bool, credential: String, phishingResistant: Bool, authAgeSeconds: Long, bound: Bool },
  device: { known: Bool, compliance: String },
  grants: Set<Grant>,
};
action access;
action read, write, delete, connect in [access] appliesTo { principal: [User, Workload], resource: [App], context: Request };
action query, export, relabel appliesTo { principal: [User, Workload], resource: [Dataset], context: Request };
`;

const bare = 'principal, action, resource';

function teamPolicies(): string[] {
  const conditions = [
    'when { context.device.compliance == "compliant" }',
    'when { context.address.isInRange(ip("10.0.0.0/8")) }',
    'when { context.session.phishingResistant || resource.sensitivity != "high" }',
    'unless { context.path like "/admin/*" }',
    'when { principal.country == "DE" || resource.countries.contains(principal.country) }',
    'when { principal.clearance >= 3 }',
  ];
  return apps.flatMap((app, index) => {
    const team = teams[index % teams.length];
    const condition = conditions[index % conditions.length];
    return [
      `permit (principal is User in Group::"${team}", action in Action::"access", resource == App::"${app}") ${condition};`,
      `permit (principal is User in Group::"auditors", action == Action::"read", resource == App::"${app}")
         when { context.session.authAgeSeconds < ${600 + index} };`,
    ];
  });
}

function datasetPolicies(): string[] {
  return teams.flatMap((team, index) => [
    `permit (principal is User in Group::"${team}", action == Action::"query", resource in Segment::"${segments[index % segments.length]}")
       when { !resource.labels.containsAny(["secret", "personal-${index}"]) };`,
    `permit (principal is Workload in Group::"jobs-${index}", action in [Action::"query", Action::"export"], resource is Dataset)
       when { principal.attested && principal.owner in Group::"${team}" };`,
  ]);
}

const guards = [
  `forbid (principal is User, action, resource) when { principal.status == "suspended" };`,
  `forbid (${bare}) when { context.session.credential == "recovery" };`,
  `forbid (principal is User in Group::"contractors", action, resource in Segment::"pci");`,
  `forbid (principal is User in Group::"contractors", action in Action::"access", resource) when { context.method == "DELETE" };`,
  `forbid (principal, action in Action::"access", resource) when { resource.sensitivity == "high" }
     unless { context.session.phishingResistant && context.session.authAgeSeconds <= 3600 };`,
  `forbid (${bare}) unless { context.tls };`,
  `forbid (principal, action == Action::"export", resource in Segment::"health");`,
  `forbid (principal, action == Action::"export", resource) when { resource.labels.contains("personal") };`,
  `forbid (principal is Workload, action, resource in Segment::"finance") unless { principal.attested };`,
  `forbid (principal is User, action in Action::"access", resource) when { resource has until && context.now > resource.until };`,
  `forbid (${bare}) when { context.address.isInRange(ip("203.0.113.0/24")) };`,
  `forbid (principal is User, action == Action::"delete", resource in Segment::"production") when { principal.clearance * 10 < 40 };`,
  `forbid (principal is User, action in Action::"access", resource) when { context.device.compliance == "noncompliant" };`,
  `forbid (principal, action == Action::"relabel", resource) unless { principal in Group::"data-officers" };`,
];

const others = [
  `permit (principal is User, action in Action::"access", resource) when { !context.grants.isEmpty() };`,
  `permit (principal is User in Group::"administrators", action in Action::"access", resource);`,
  `permit (principal in Group::"data-officers", action == Action::"relabel", resource);`,
  `permit (principal is User, action == Action::"read", resource in Segment::"public");`,
  `permit (principal is User, action in Action::"access", resource) when { principal in resource.owner };`,
  `permit (principal is User, action == Action::"query", resource) when { principal in resource.owner };`,
];

const withIds = (texts: readonly string[], prefix: string) =>
  texts.map((text, index) => `@id("${prefix}-${index}")\n${text}`);

/** 200 policies. */
export const policies = withIds([...teamPolicies(), ...datasetPolicies(), ...guards, ...others], 'p').join('\n');

function invariantsOf(): string[] {
  const perTeam = teams.slice(0, 20).flatMap((team, index) => [
    `never (principal in Group::"${team}", action == Action::"export", resource in Segment::"health");`,
    `never (principal is User in Group::"${team}", action in Action::"access", resource == App::"app-${index}")
       when { resource.sensitivity == "high" } unless { context.session.phishingResistant };`,
    `never (principal is User in Group::"${team}", action, resource) when { principal.status == "suspended" && context.device.known };`,
  ]);
  const perApp = apps.slice(0, 20).flatMap((app) => [
    `never (principal is Workload, action in Action::"access", resource == App::"${app}");`,
    // Broken on purpose: anybody in the team is let in, over whatever address.
    `never (principal is User, action == Action::"write", resource == App::"${app}") unless { context.address.isInRange(ip("10.0.0.0/8")) };`,
  ]);
  return [...perTeam, ...perApp];
}

/** 100 invariants, a fifth of them broken. */
export const invariants = withIds(invariantsOf(), 'i').join('\n');
