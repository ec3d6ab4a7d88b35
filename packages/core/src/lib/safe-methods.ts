/** Methods that ask for no change: RFC 9110 §9.2.1, and QUERY (RFC 10008 §2). */
export const SAFE_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
]);
