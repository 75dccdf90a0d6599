import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { queryClient } from './api/queries.ts';
import { AccessPage } from './pages/access/access-page.tsx';
import { AppPage } from './pages/apps/app-page.tsx';
import { AppsPage } from './pages/apps/apps-page.tsx';
import { EventsPage } from './pages/events/events-page.tsx';
import { GatewaysPage } from './pages/gateways/gateways-page.tsx';
import { GroupPage } from './pages/groups/group-page.tsx';
import { GroupsPage } from './pages/groups/groups-page.tsx';
import { KeysPage } from './pages/keys/keys-page.tsx';
import { MyAppsPage } from './pages/my-apps/my-apps-page.tsx';
import { Home } from './pages/overview/home.tsx';
import { PdpPage } from './pages/pdp/pdp-page.tsx';
import { PeoplePage } from './pages/people/people-page.tsx';
import { PersonPage } from './pages/people/person-page.tsx';
import { ReversePage } from './pages/reverse/reverse-page.tsx';
import { SegmentsPage } from './pages/segments/segments-page.tsx';
import { SessionsPage } from './pages/sessions/sessions-page.tsx';
import { TokensPage } from './pages/tokens/tokens-page.tsx';
import { WhyPage } from './pages/why/why-page.tsx';
import { Loading } from './parts/states.tsx';
import { Failed, NotFound } from './shell/failed.tsx';
import { Layout } from './shell/layout.tsx';

const routes: RouteObject[] = [
  {
    element: <Layout />,
    errorElement: <Failed />,
    HydrateFallback: Loading,
    children: [
      { path: '/', element: <Home /> },
      { path: '/apps', element: <AppsPage /> },
      { path: '/apps/:id', element: <AppPage /> },
      { path: '/people', element: <PeoplePage /> },
      { path: '/people/:id', element: <PersonPage /> },
      { path: '/groups', element: <GroupsPage /> },
      { path: '/groups/:id', element: <GroupPage /> },
      { path: '/segments', element: <SegmentsPage /> },
      { path: '/sessions', element: <SessionsPage /> },
      { path: '/tokens', element: <TokensPage /> },
      { path: '/access', element: <AccessPage /> },
      { path: '/gateways', element: <GatewaysPage /> },
      { path: '/pdp', element: <PdpPage /> },
      { path: '/keys', element: <KeysPage /> },
      { path: '/events', element: <EventsPage /> },
      { path: '/my-apps', element: <MyAppsPage /> },
      { path: '/why', element: <WhyPage /> },
      { path: '/who-can', element: <ReversePage /> },
      // The editor is most of the code and few pages need it.
      {
        path: '/policies',
        lazy: async () => ({ Component: (await import('./pages/policies/policies-page.tsx')).PoliciesPage }),
      },
      { path: '*', element: <NotFound /> },
    ],
  },
];

const router = createBrowserRouter(routes);

/** The whole console. */
export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <Notifications position="bottom-right" containerWidth={360} />
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
