import { Code } from '@mantine/core';
import { Fragment } from 'react';

/** A sentence whose `quoted` parts are set as code. The text may be an attacker's: it is only ever text. */
export function Words({ children }: { children: string }) {
  return children.split('`').map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one sentence have no other identity
    <Fragment key={index}>{index % 2 === 1 ? <Code>{part}</Code> : part}</Fragment>
  ));
}
