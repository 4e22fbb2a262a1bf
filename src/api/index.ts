// The REST API of the control plane.
export { type Api, startApi } from './api.ts'
export type { ApiParts } from './parts.ts'
