import { Badge } from '@mantine/core';
import {
  IconActivity,
  IconApps,
  IconDeviceLaptop,
  IconHierarchy2,
  IconKey,
  IconLayoutDashboard,
  IconLicense,
  IconLock,
  IconMessageQuestion,
  IconPlugConnected,
  IconQuestionMark,
  IconRouter,
  IconUserCheck,
  IconUsers,
  IconUsersGroup,
  IconZoomQuestion,
} from '@tabler/icons-react';
import { NavLink } from 'react-router';
import { useAnswer, useMe } from '../api/queries.ts';
import type { Noun, Overview } from '../api/shapes.ts';

interface Entry {
  readonly to: string;
  readonly label: string;
  readonly icon: typeof IconApps;
  /** Shown to whoever may read this noun. */
  readonly noun: Noun;
}

const sections: readonly { readonly title: string; readonly entries: readonly Entry[] }[] = [
  {
    title: 'Now',
    entries: [
      { to: '/', label: 'Overview', icon: IconLayoutDashboard, noun: 'overview' },
      { to: '/events', label: 'Events', icon: IconActivity, noun: 'event' },
    ],
  },
  {
    title: 'Resources',
    entries: [
      { to: '/apps', label: 'Apps', icon: IconApps, noun: 'resource' },
      { to: '/segments', label: 'Segments', icon: IconHierarchy2, noun: 'segment' },
    ],
  },
  {
    title: 'Subjects',
    entries: [
      { to: '/people', label: 'People', icon: IconUsers, noun: 'user' },
      { to: '/groups', label: 'Groups', icon: IconUsersGroup, noun: 'group' },
      { to: '/sessions', label: 'Sessions', icon: IconDeviceLaptop, noun: 'session' },
      { to: '/tokens', label: 'Tokens', icon: IconKey, noun: 'token' },
    ],
  },
  {
    title: 'Decisions',
    entries: [
      { to: '/policies', label: 'Policies', icon: IconLicense, noun: 'policy' },
      { to: '/why', label: 'Why?', icon: IconQuestionMark, noun: 'policy' },
      { to: '/who-can', label: 'Who can?', icon: IconZoomQuestion, noun: 'policy' },
      { to: '/access', label: 'Access grants', icon: IconUserCheck, noun: 'grant' },
    ],
  },
  {
    title: 'Installation',
    entries: [
      { to: '/gateways', label: 'Gateways', icon: IconRouter, noun: 'gateway' },
      { to: '/pdp', label: 'PDP', icon: IconMessageQuestion, noun: 'pdp' },
      { to: '/keys', label: 'Keys', icon: IconLock, noun: 'key' },
    ],
  },
  { title: 'Yours', entries: [{ to: '/my-apps', label: 'My apps', icon: IconPlugConnected, noun: 'me' }] },
];

/**
 * The places one can go, by section; what policy does not let the reader see is named, but greyed with its reason. A section of
 * which they may see nothing is left out: most people only ever have their own.
 */
export function Navigation() {
  const me = useMe();
  const mayOverview = me.data?.rights.read.includes('overview') === true;
  const mayRead = (noun: Noun) => me.data === undefined || me.data.rights.read.includes(noun);
  const shown = sections.filter(({ entries }) => entries.some(({ noun }) => mayRead(noun)));
  const overview = useAnswer<Overview>(mayOverview ? '/overview' : undefined);
  const pending = overview.data?.counts.pendingGrants ?? 0;
  return (
    <nav aria-label="Main">
      {shown.map((section) => (
        <div key={section.title}>
          <p className="nav-title">{section.title}</p>
          <ul className="nav-list">
            {section.entries.map(({ to, label, icon: Icon, noun }) => {
              const forbidden = !mayRead(noun);
              return (
                <li key={to}>
                  {forbidden ? (
                    <span className="nav-link" data-forbidden title={`Your policies do not let you see ${label}.`}>
                      <Icon size={16} stroke={1.6} aria-hidden />
                      {label}
                      <span className="visually-hidden"> (your policies do not let you see this)</span>
                    </span>
                  ) : (
                    <NavLink to={to} end={to === '/'} className="nav-link">
                      <Icon size={16} stroke={1.6} aria-hidden />
                      {label}
                      {to === '/access' && pending > 0 && (
                        <Badge className="nav-count" size="sm" color="ochre" aria-label={`${pending} waiting`}>
                          {pending}
                        </Badge>
                      )}
                    </NavLink>
                  )}
                </li>
              );
            })}
          </ul>
        </div>
      ))}
    </nav>
  );
}
