// What an API server says of a failed write.

/** What is said of failures of these kinds names things, and quotes no stored value. (`Invalid` may quote the whole object.) */
const NAMING_REASONS = new Set([
  'NotFound',
  'AlreadyExists',
  'Conflict',
  'Forbidden',
  'Unauthorized',
  'Expired',
  'Gone',
  'MethodNotAllowed',
  'NotAcceptable',
  'UnsupportedMediaType',
  'RequestEntityTooLarge',
  'TooManyRequests',
  'Timeout',
  'ServerTimeout',
  'ServiceUnavailable',
])

/** Undefined: it says no reason. */
export function namesThingsOnly(reason: string | undefined): boolean {
  return reason !== undefined && NAMING_REASONS.has(reason)
}
