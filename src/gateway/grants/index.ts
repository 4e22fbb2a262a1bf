// Rights for a time: asked for, given, taken in an emergency, over.
export { BreakGlass, recordedInFull } from './break-glass.ts'
export { Granting } from './granting.ts'
export { type AskedTime, TimeRequests } from './time-requests.ts'
