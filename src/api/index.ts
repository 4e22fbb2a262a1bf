// The REST API of the control plane.
export { type Api, type ApiLimits, startApi } from './api.ts'
export type { ApiParts } from './parts.ts'
export { Web } from './web.ts'
