/** One principal on one resource over one connection. */
export type SessionId = string & { readonly __brand: 'SessionId' }

/** Where a connection comes from. Addresses are facts of the socket; names are claims of the client. */
export interface Origin {
  readonly ip: string
  readonly port: number
  /** What the client calls itself (`application_name`, user agent): claimed, never decides. */
  readonly client: string
  /** The channel that brought it, for what comes by none of the caller's own connections. Set by the gateway. */
  readonly channel?: string
}

/** Why a session ended. */
export type CloseReason =
  | 'client_left'
  /** It logged in anew on the same connection: what follows is another session. */
  | 'user_changed'
  | 'upstream_left'
  | 'identity_ended'
  | 'grant_ended'
  | 'policy_changed'
  | 'resource_changed'
  | 'ended_by_operator'
  | 'protocol_violation'
  | 'audit_unavailable'
  | 'recording_unavailable'
  | 'shutdown'
  | 'failed'

/** A session as lists show it. */
export interface SessionSummary {
  readonly id: SessionId
  readonly resource: string
  readonly protocol: string
  readonly principal: string
  readonly principalKind: 'user' | 'agent'
  readonly actor?: string
  readonly run: string
  readonly origin: Origin
  /** Unix ms. */
  readonly startedAt: number
  readonly endedAt?: number
  readonly closeReason?: CloseReason
  readonly statements: number
  readonly denied: number
  readonly rows: number
  readonly bytes: number
}
