// The facts of a request that are not its statement, as the door takes them.

/** What holds when a decision is asked for. Hour and weekday are derived from `now`, in UTC. */
export interface Facts {
  /** What the client calls itself: claimed. */
  readonly client: string
  readonly ip: string
  /** Unix ms. */
  readonly now: number
  readonly approved: boolean
  /** The principal's words; blank counts as none. */
  readonly reason: string | undefined
  readonly mfa: boolean
  /** The channel through which a person decides; absent from all else. */
  readonly channel?: string
  /** The session rests on a right that a person took in an emergency. */
  readonly breakGlass?: boolean
  /** What the run did so far. */
  readonly run: { readonly rows: number; readonly bytes: number; readonly statements: number }
}

/** The reason that was given: blank ones would satisfy every policy that asks for one. */
export function statedReason({ reason }: Facts): string | undefined {
  return reason === undefined || reason.trim() === '' ? undefined : reason
}
