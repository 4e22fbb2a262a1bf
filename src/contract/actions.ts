// The actions that a right for a time may cover, as a form offers them.
import type { Action } from '#model'

/** All that the model has: a test of the API holds it. */
export const grantable = [
  'connect',
  'read',
  'write',
  'define',
  'administer',
  'execute',
  'tunnel',
  'reveal',
] as const satisfies readonly Action[]
