export type { ReplicaState } from './lease.ts';
export type { ControlAddress, PeerTls } from './open-stream.ts';
export * from './replica.ts';
export * from './replica-error.ts';
export { isPublicationSigned, verifyPublication } from './verify-publication.ts';
export { verifyStatementJws } from './verify-statement-jws.ts';
