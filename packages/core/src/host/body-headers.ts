/**
 * The fields that say something of one body (RFC 9110 §8, §13, §14.4; RFC 9112 §6.1). Whoever sends another body in its
 * place takes them away: a length or coding that is not its own makes the rest of it the next response.
 */
export const BODY_HEADERS: readonly string[] = Object.freeze([
  'content-length',
  'transfer-encoding',
  'trailer',
  'content-encoding',
  'content-language',
  'content-location',
  'content-disposition',
  'content-range',
  'accept-ranges',
  'etag',
  'last-modified',
  'content-digest',
  'repr-digest',
  'digest',
  'content-md5',
]);
