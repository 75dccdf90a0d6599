import { Link } from 'react-router';
import { useAnswer, useMe } from '../api/queries.ts';
import type { UserView } from '../api/shapes.ts';
import { personIn } from './person-in.ts';

/** A person by id or Cedar uid, by name and linked. Ids that lead nowhere (removed, unreadable) are shown as they are. */
export function Person({ id }: { id: string }) {
  const me = useMe();
  const reading = personIn(id);
  const mayRead = me.data?.rights.read.includes('user') === true;
  const isMine = me.data?.user?.id === reading.userId;
  const answer = useAnswer<UserView>(
    reading.userId !== undefined && mayRead && !isMine ? `/users/${encodeURIComponent(reading.userId)}` : undefined,
  );
  if (reading.userId === undefined) return <span>{reading.words}</span>;
  const name = isMine
    ? me.data?.user?.displayName || me.data?.user?.name
    : answer.data?.displayName || answer.data?.name;
  if (name === undefined) return <span className="dim">{reading.words}</span>;
  return mayRead ? (
    <Link className="link" to={`/people/${encodeURIComponent(reading.userId)}`}>
      {name}
    </Link>
  ) : (
    <span>{name}</span>
  );
}
