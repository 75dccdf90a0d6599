import type { TokenView } from '../api/shapes.ts';
import { Person } from './person.tsx';

/** By what the holder of a token is known. */
export function Shown({ token: { keyHash } }: { token: TokenView }) {
  if (keyHash === undefined) return 'a token';
  return <span title={`SHA-256 of its key: ${keyHash}`}>a certificate</span>;
}

/** Whose rights it has. */
export function ActsAs({ token: { owner } }: { token: TokenView }) {
  return <Person id={owner.type === 'User' ? owner.id : `Workload::${JSON.stringify(owner.id)}`} />;
}
