// Node-RED behind Nullius: no passwords here. Every request must carry the identity that the gateway signed, so that who gets
// past the gateway, to this port, is nobody; and Node-RED's own log says who did what.
const { request } = require('node:http');
const { createRemoteJWKSet, customFetch, jwtVerify } = require('jose');

const issuer = process.env.NULLIUS_ISSUER ?? 'http://id.localhost:8080';
const audience = process.env.NULLIUS_AUDIENCE ?? 'http://flows.localhost:8080';
const keys = createRemoteJWKSet(
  new URL(`${issuer}/jwks`),
  issuer.startsWith('http:') ? { [customFetch]: fetchFromLoopback } : {},
);

/** `*.localhost` resolves in browsers only: a program connects to loopback and sends the name as Host. */
function fetchFromLoopback(url) {
  const { host, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: pathname, headers: { host } }, async (answer) => {
      const chunks = await answer.toArray().catch(reject);
      if (chunks !== undefined) resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** The person behind a `Nullius-Assertion`, or null. Policy has judged what they may do before the request came here. */
async function personOf(assertion) {
  try {
    const options = { issuer, audience, typ: 'nullius-assertion+jwt', algorithms: ['ES256'] };
    const { payload } = await jwtVerify(assertion, keys, options);
    return { username: payload.name, permissions: '*' };
  } catch {
    return null;
  }
}

module.exports = {
  uiHost: '127.0.0.1',
  uiPort: 1880,
  flowFile: 'flows.json',
  adminAuth: { type: 'credentials', users: [], tokenHeader: 'nullius-assertion', tokens: personOf },
  logging: { console: { level: 'info', audit: true } },
  diagnostics: { enabled: false },
  telemetry: { enabled: false },
  editorTheme: { tours: false },
};
