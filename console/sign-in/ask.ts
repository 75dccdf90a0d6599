/** A refusal in the server's own words, fit for people. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
  }
}

async function read<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as { code?: unknown; detail?: unknown };
  throw new Refusal(
    typeof problem.code === 'string' ? problem.code : 'unavailable',
    typeof problem.detail === 'string'
      ? problem.detail
      : 'The server did not answer as it should. Try again in a moment.',
  );
}

const unreachable = () =>
  new Refusal('unavailable', 'The server cannot be reached. Check your connection, then try again.');

/** Reads JSON of the sign-in site. Throws Refusal. */
export async function get<T>(path: string): Promise<T> {
  const response = await fetch(path, { headers: { accept: 'application/json' }, cache: 'no-store' }).catch(() => {
    throw unreachable();
  });
  return read<T>(response);
}

/** Sends JSON to the sign-in site. Throws Refusal. */
export async function post<T>(path: string, body: unknown = {}): Promise<T> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { accept: 'application/json', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch(() => {
    throw unreachable();
  });
  return read<T>(response);
}
