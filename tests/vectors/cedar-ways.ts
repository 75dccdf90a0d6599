/** Questions that random policies ask of extension values, tags and actions; `$` marks what is filled in. */
export const extensionQuestions = [
  '($ip.isIpv4())',
  '($ip.isIpv6())',
  '($ip.isLoopback())',
  '($ip.isMulticast())',
  '($ip.isInRange($ip))',
  '($decimal.lessThan($decimal))',
  '($decimal.greaterThanOrEqual($decimal))',
  '($user.hasTag($string))',
  '(action in Action::"some")',
] as const;
