export {
  type CompileInput,
  checkPolicies,
  compilePolicies,
  knownAnnotations,
  type PolicyNaming,
  type PreparedPolicies,
  preparePolicies,
} from './compile-policies.ts';
export { type DecideTexts, decideTexts } from './decide-texts.ts';
