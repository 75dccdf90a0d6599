import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import type { z } from 'zod';
import { equalSecrets } from '#foundation/crypto';
import { controlPeerName } from '#shell/wire';
import { makeKeyAndRequest } from './certificate-request.ts';
import { EnrolmentError } from './enrolment-error.ts';
import { type EnrolmentToken, parseEnrolmentToken } from './enrolment-token.ts';
import { admissionSchema, type GatewayIdentity } from './identity-file.ts';

const answerMsMax = 20_000;
const answerBytesMax = 262_144;
const chainLengthMax = 5;

/**
 * Joins control as a gateway: proves control by the token, then sends the secret and a request over a key made here. Gives the
 * identity to keep. Throws EnrolmentError; nothing secret has left this machine then, unless the token proved control.
 */
export async function joinControl({ url, token }: { url: string; token: string }): Promise<GatewayIdentity> {
  const parsed = parseEnrolmentToken(token);
  if (parsed === undefined)
    throw new EnrolmentError('bad-token', 'the token is not whole; copy all that `nullius gateway add` showed');
  const control = controlAt(url);
  const caPem = await provenCa(control, parsed);
  const { keyPem, csrPem } = makeKeyAndRequest([controlPeerName]);
  const answer = await enrol({ ...control, caPem }, { secret: parsed.secret, csrPem });
  checkCertificate(answer.chainPem, { keyPem, caPem });
  return { ...answer, control, keyPem, caPem };
}

function controlAt(url: string): { host: string; port: number } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isPlain = parsed?.pathname === '/' && parsed.search === '' && parsed.hash === '' && parsed.username === '';
  if (parsed === undefined || parsed.protocol !== 'https:' || !isPlain)
    throw new EnrolmentError('refused', `\`${url}\` is no address of control; write \`https://host:port\``);
  return { host: parsed.hostname.replace(/^\[|\]$/g, ''), port: Number(parsed.port === '' ? 443 : parsed.port) };
}

/** Takes the CA's certificate out of the handshake and compares it with the token's hash. Nothing is sent. */
async function provenCa(control: { host: string; port: number }, { caHash }: EnrolmentToken): Promise<string> {
  // Not verified by TLS on purpose: the hash in the token is the proof, and no byte is written before it is checked.
  const socket = connect({ ...control, servername: controlPeerName, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(answerMsMax) });
    let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
    for (let depth = 0; certificate?.raw !== undefined && depth < chainLengthMax; depth += 1) {
      const hash = createHash('sha256').update(certificate.raw).digest('base64url');
      if (equalSecrets(hash, caHash)) return new X509Certificate(certificate.raw).toString();
      certificate = certificate.issuerCertificate === certificate ? undefined : certificate.issuerCertificate;
    }
  } catch (error) {
    throw unreachable(control, error);
  } finally {
    socket.destroy();
  }
  throw new EnrolmentError(
    'not-control',
    `what answers at \`${control.host}:${control.port}\` is not the control that made this token: somebody may be in between. Nothing was sent`,
  );
}

async function enrol(
  control: { host: string; port: number; caPem: string },
  body: { secret: string; csrPem: string },
): Promise<z.infer<typeof admissionSchema>> {
  const payload = JSON.stringify(body);
  const request = httpsRequest({
    host: control.host,
    port: control.port,
    ca: control.caPem,
    servername: controlPeerName,
    minVersion: 'TLSv1.3',
    agent: false,
    method: 'POST',
    path: '/enrol',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
    signal: AbortSignal.timeout(answerMsMax),
  });
  let status: number;
  let text = '';
  try {
    request.end(payload);
    const [response] = await once(request, 'response');
    status = response.statusCode ?? 0;
    response.setEncoding('utf8');
    for await (const chunk of response) {
      text += chunk;
      if (text.length > answerBytesMax) throw new Error('the answer is too long');
    }
  } catch (error) {
    throw unreachable(control, error);
  }
  const answer = parseJson(text);
  if (status !== 200) throw new EnrolmentError('refused', `control refused: ${detailOf(answer)}`);
  const parsed = admissionSchema.safeParse(answer);
  if (!parsed.success)
    throw new EnrolmentError('refused', 'control answered something that is not as agreed; is it of this version?');
  return parsed.data;
}

function checkCertificate(chainPem: string, { keyPem, caPem }: { keyPem: string; caPem: string }): void {
  const certificate = new X509Certificate(chainPem);
  const ca = new X509Certificate(caPem);
  const own = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  const isOurs = certificate.publicKey.export({ type: 'spki', format: 'der' }).equals(own);
  if (!isOurs || !certificate.checkIssued(ca) || !certificate.verify(ca.publicKey))
    throw new EnrolmentError('refused', 'control gave a certificate that is not over our key');
}

function unreachable(control: { host: string; port: number }, error: unknown): EnrolmentError {
  if (error instanceof EnrolmentError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new EnrolmentError(
    'unreachable',
    `\`${control.host}:${control.port}\` cannot be spoken to (${code}); is \`listen.gateways\` set on control?`,
    { cause: error },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function detailOf(answer: unknown): string {
  const detail = (answer as { detail?: unknown } | undefined)?.detail;
  return typeof detail === 'string' ? detail.slice(0, 500) : 'without a reason';
}
