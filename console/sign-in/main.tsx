import type { ReactNode } from 'react';
import { show } from '../frame.tsx';
import { AccountPage } from './account-page.tsx';
import { EnrolPage } from './enrol-page.tsx';
import { SignInPage } from './sign-in-page.tsx';
import { SignedOutPage } from './signed-out-page.tsx';
import './sign-in.css';

function page(path: string): ReactNode {
  const [, first, second] = path.split('/');
  if (first === 'interaction' && second !== undefined) return <SignInPage interaction={second} />;
  if (first === 'enrol') return <EnrolPage />;
  if (first === 'signed-out') return <SignedOutPage />;
  return <AccountPage />;
}

show(page(window.location.pathname));
