export { referenceDecide, traceDecision } from './reference-decide.ts';
