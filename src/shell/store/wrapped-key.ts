/** The id of the root key that wraps a key: `w1.<root key id>.<sealed>`, as the signer makes it. Undefined: of another form. */
export function rootKeyOf(wrapped: string): string | undefined {
  const [form, id, sealed, ...rest] = wrapped.split('.');
  return form === 'w1' && id !== undefined && id !== '' && sealed !== undefined && rest.length === 0 ? id : undefined;
}
