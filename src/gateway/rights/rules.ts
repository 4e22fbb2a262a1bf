import type { SessionPolicies } from '#engines/policy'
import type { MaskingSettings } from '#model'
import type { Masks } from '../sight/index.ts'

/** What a session is judged by. It may change while the session lives, and is therefore asked each time. */
export interface Rules {
  readonly policies: SessionPolicies
  /** The hash of the policy set, for the record. */
  readonly policySet: string
  readonly masks: Masks
  readonly masking: MaskingSettings
}
