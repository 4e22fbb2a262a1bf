// Who knocks, and whose identity still holds.
export { Attendance, type Presence, restsOn } from './attendance.ts'
export { Logins } from './logins.ts'
