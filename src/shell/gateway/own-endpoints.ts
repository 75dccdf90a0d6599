import { type GatewayRequest, headerOf, readWholeBody, refusalAnswer, sendAnswer } from '#enforcement/gateway';
import { answerGatewayRefusal } from './answers.ts';
import type { Asked, Gate } from './gate.ts';
import { requestSource } from './request-source.ts';
import { beginSignIn, finishSignIn, orRefuse, signOut } from './sign-in.ts';
import { hasAsked, whoIs } from './verdict-answers.ts';

const formBytesMax = 4_096;
/** A small form is here by then, or its sender is stalling. */
const formMsMax = 5_000;
const reasonLengthMax = 500;
const returnToLengthMax = 8_192;

/** On every app host, everything below `/.nullius/` is ours and never reaches the app. */
export function isOwnEndpoint(request: GatewayRequest): boolean {
  return request.segments[0]?.toLowerCase() === '.nullius';
}

/** The gateway's own few addresses on app hosts: sign-in, its return, sign-out, asking for access. */
export async function serveOwnEndpoint(gate: Gate, asked: Asked): Promise<void> {
  const { request } = asked;
  if (headerOf(request, 'service-worker') !== undefined) return notFound(gate, asked);
  const name = `${request.method} ${request.segments.slice(1).join('/')}`;
  switch (name) {
    case 'GET sign-in': {
      const query = new URLSearchParams(request.query ?? '');
      const returnTo = (query.get('return_to') ?? '/').slice(0, returnToLengthMax);
      return beginSignIn(gate, { ...asked, returnTo, fresh: query.get('fresh') === '1' });
    }
    case 'GET callback':
      return finishSignIn(gate, asked);
    case 'POST sign-out':
      if (requestSource(request, gate.urls) !== 'own-page') return crossSite(gate, asked);
      return signOut(gate, asked);
    case 'POST request-access':
      if (requestSource(request, gate.urls) !== 'own-page') return crossSite(gate, asked);
      return requestAccess(gate, asked);
    default:
      return notFound(gate, asked);
  }
}

async function requestAccess(gate: Gate, asked: Asked): Promise<void> {
  const { identified, site } = asked;
  const { asker } = identified;
  if (asker.kind !== 'session') {
    return answerGatewayRefusal(gate, { ...asked, status: 401, words: 'Sign in before you ask for access.' });
  }
  const form = await readForm(asked);
  const reason = form?.get('reason')?.trim() ?? '';
  if (reason === '' || reason.length > reasonLengthMax) {
    const words = `Say in 1 to ${reasonLengthMax} characters why you need access; go back and fill in the reason.`;
    return answerGatewayRefusal(gate, { ...asked, status: 400, words });
  }
  await orRefuse(gate, asked, async () => {
    if (!hasAsked(gate, asked))
      await gate.call('grant/request', { sessionId: asker.sessionId, resource: site.id, reason });
    const view = {
      status: 202,
      title: 'Access requested',
      asked: null,
      who: whoIs(gate, asked),
      reasons: [
        `Your request for \`${site.resource.displayName}\` waits for an administrator. Open this app again once it is approved.`,
      ],
      actions: [],
      correlationId: asked.id,
    };
    sendAnswer(asked.exchange.client, refusalAnswer(view, asked.request));
  });
}

async function readForm({ exchange }: Asked): Promise<URLSearchParams | undefined> {
  const { client } = exchange;
  const timer = setTimeout(() => client.destroy(), formMsMax);
  const form = await readWholeBody(client.body, formBytesMax);
  clearTimeout(timer);
  return form === undefined ? undefined : new URLSearchParams(form.toString('utf8'));
}

function crossSite(gate: Gate, asked: Asked): void {
  answerGatewayRefusal(gate, { ...asked, status: 403, words: 'This form was not sent from this app’s own page.' });
}

function notFound(gate: Gate, asked: Asked): void {
  answerGatewayRefusal(gate, { ...asked, status: 404, words: 'There is nothing at this address of the gateway.' });
}
