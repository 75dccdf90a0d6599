export { makeKeyAndRequest, requestFor } from './certificate-request.ts';
export { EnrolmentError } from './enrolment-error.ts';
export { type EnrolmentToken, formatEnrolmentToken, parseEnrolmentToken } from './enrolment-token.ts';
export { type GatewayIdentity, identityPath, readIdentity, writeIdentity } from './identity-file.ts';
export { joinControl } from './join-control.ts';
