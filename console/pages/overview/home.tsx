import { Navigate } from 'react-router';
import { useMe } from '../../api/queries.ts';
import { Loading } from '../../parts/states.tsx';
import { OverviewPage } from './overview-page.tsx';

/** Where one arrives: the overview, or for whom policy does not let see it, their own apps. */
export function Home() {
  const me = useMe();
  if (me.isPending) return <Loading />;
  if (me.data !== undefined && !me.data.rights.read.includes('overview')) return <Navigate to="/my-apps" replace />;
  return <OverviewPage />;
}
