// What the REST API stands on. Each route asks the gateway: there is no second gate.
import type { PolicySet, Vocabulary } from '#engines/policy'
import type { Masks, Protocol, SallyportGateway } from '#gateway'
import type { DetectorSettings, Origin, Principal } from '#model'
import type { Grants, Requests } from '#services/access'
import type { AuditLog } from '#services/audit'
import type { Channels } from '#services/channels'
import type { Explainer } from '#services/explaining'
import type { Identity } from '#services/identity'
import type { Inventory } from '#services/inventory'
import type { Policies, PolicyHistory, Workbench } from '#services/policies'
import type { Recordings } from '#services/recording'
import type { Log } from '#telemetry'
import type { Web } from './web.ts'

export interface ApiParts {
  readonly gateway: SallyportGateway
  readonly identity: Identity
  readonly inventory: Inventory
  readonly recordings: Recordings
  readonly requests: Requests
  readonly explainer: Pick<Explainer, 'explain'>
  readonly grants: Grants
  readonly audit: AuditLog
  readonly channels: Channels
  readonly policies: () => PolicySet
  /** Where they stand, and who may change them. */
  readonly policyFiles: Pick<Policies, 'look' | 'save'>
  readonly policyHistory: PolicyHistory
  readonly workbench: Workbench
  /** The names that policies may use. */
  readonly vocabulary: () => Vocabulary
  readonly masks: () => Masks
  /** The detectors of the configuration. */
  readonly detectors: () => readonly DetectorSettings[]
  readonly protocols: readonly Protocol[]
  /** Where clients reach a protocol; undefined when its listener is off. */
  readonly endpoint: (protocol: string) => { host: string; port: number } | undefined
  /** Where browsers reach this API: `https://host:port`, no slash at the end. */
  readonly url: () => string
  /** Path of our CA's certificate, for the lines to paste. */
  readonly ca: string
  readonly now: () => number
  readonly ready: () => boolean
  /** Prometheus text. */
  readonly metrics: () => Promise<string>
  readonly log: Log
  /** The console's files, when they were built. */
  readonly web?: Web
}

/** Who calls, and from where. Set by `authentication.ts` before any route runs. */
export interface Caller {
  readonly principal: Principal
  readonly origin: Origin
}

declare module 'fastify' {
  interface FastifyRequest {
    caller?: Caller
  }
  interface FastifyContextConfig {
    /** What a route asks for; a route without it does not start. */
    access?: RouteAccess
  }
}

/**
 * `public`: anybody; `principal`: whoever proves an identity, who then sees what is their own, and more
 * with the console right that the route's handler asks for.
 * `signed`: whoever holds a key that the configuration names, by a signature over the very bytes.
 */
export type RouteAccess = 'public' | 'principal' | 'signed'
