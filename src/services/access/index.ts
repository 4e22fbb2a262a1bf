// Asking and granting: access requests, votes, grants. Who may vote is the gateway's to say.
export { Grants, newGrantId } from './grants.ts'
export { advance, isMet, type RequestEvent } from './request-machine.ts'
export { type NewRequest, Requests } from './requests.ts'
export { type AccessTables, accessMigrations } from './tables.ts'
