const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What may not stand in a value: it would end the line, or does not fit into one byte. */
const unfit = /[^\t\x20-\x7e\x80-\xff]/;

/** A token (RFC 9110 5.6.2), as methods and names of fields are. */
export const isToken = (text: string): boolean => token.test(text);
/** May this be the value of a field, in latin1 (RFC 9110 5.5)? */
export const isFieldValue = (text: string): boolean => !unfit.test(text);
