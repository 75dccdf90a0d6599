/** The WebAuthn library, which is large, once somebody enrols or signs in. */
export const webauthn = () => import('@simplewebauthn/server');
