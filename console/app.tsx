import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { createBrowserRouter, type RouteObject } from 'react-router';
import { RouterProvider } from 'react-router/dom';
import { queryClient } from './api/queries.ts';
import { AppPage } from './pages/apps/app-page.tsx';
import { AppsPage } from './pages/apps/apps-page.tsx';
import { OverviewPage } from './pages/overview/overview-page.tsx';
import { Failed, NotFound } from './shell/failed.tsx';
import { Layout } from './shell/layout.tsx';

const routes: RouteObject[] = [
  {
    element: <Layout />,
    errorElement: <Failed />,
    children: [
      { path: '/', element: <OverviewPage /> },
      { path: '/apps', element: <AppsPage /> },
      { path: '/apps/:id', element: <AppPage /> },
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
