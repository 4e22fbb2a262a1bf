// What the gateway is made of: services, engines and settings, handed in by the wiring.
import type { Socket } from 'node:net'
import type { PolicySet } from '#engines/policy'
import type { Grants, Requests } from '#services/access'
import type { AuditLog } from '#services/audit'
import type { Identity } from '#services/identity'
import type { Inventory } from '#services/inventory'
import type { Recordings } from '#services/recording'
import type { Vault } from '#services/vault'
import type { Log, Metrics } from '#telemetry'
import type { GatewayKeys } from '#transport'
import type { HoldTimes } from './approvals/index.ts'
import type { Gateway } from './protocol/index.ts'
import type { Masks } from './sight/index.ts'

/** What an operator can change while we run. */
export interface GatewaySettings {
  readonly messageBytes: number
  readonly heldBodyBytes: number
  readonly bodyBytesPerSecond: number
  readonly loginMs: number
  readonly upstreamLoginMs: number
  readonly sessions: number
  readonly sessionsPerPrincipal: number
  /** `audit.durability: strict`. */
  readonly strict: boolean
}

export interface GatewayParts {
  readonly now: () => number
  readonly audit: AuditLog
  readonly recordings: Recordings
  readonly requests: Requests
  readonly grants: Grants
  readonly identity: Identity
  readonly vault: Vault
  readonly inventory: Inventory
  readonly policies: () => PolicySet
  readonly masks: () => Masks
  readonly settings: () => GatewaySettings
  /** How long a statement on this resource is held. */
  readonly hold: (resource: string) => HoldTimes
  readonly tls: Gateway['tls']
  readonly keys: GatewayKeys
  /** Ours, as clients may write them. */
  readonly names: () => readonly string[]
  /** Where a person says yes to a code; undefined where nobody signs in with a browser. */
  readonly devicePage: () => string | undefined
  readonly dial: (host: string, port: number, signal: AbortSignal) => Promise<Socket>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'sessionOpened' | 'sessionClosed' | 'decided' | 'login'>
}
