// A protected system, as configuration describes it.
import type { Secret } from './secret.ts'

/** The upstream credential: each protocol names the fields it takes. Values are resolved at the last hop. */
export interface CredentialSettings {
  readonly user?: string
  /** Field name to a reference (`env:NAME`, `file:path`, `vault:path#key`, `stored:name`). Never a value. */
  readonly secrets: { readonly [field: string]: string }
  /** Fields that say `ours`: what the gateway makes itself, for each login. */
  readonly ours?: readonly string[]
  /** Fields that are maps: what stands beside their secrets, as the protocol's schema made it. */
  readonly settings?: { readonly [field: string]: unknown }
}

export interface RecordingSettings {
  /** `statements`: texts and decisions only; `answers`: also what the principal saw, up to the limit. */
  readonly keep: 'statements' | 'answers'
  /** The most bytes of answers kept for one statement (after masking). */
  readonly answerBytes: number
  /** What is typed on terminals is kept too, apart from the rest, as far as they show it back. */
  readonly input: boolean
}

/**
 * What a principal may do with columns it may not see, where rows are chosen, joined, ordered or grouped by them.
 * `deny`: nothing; `equality`: compare with a value that it says, a bounded number of them; `allow`: anything.
 */
export const predicateRules = ['deny', 'equality', 'allow'] as const
export type PredicateRule = (typeof predicateRules)[number]

export interface MaskingSettings {
  readonly predicates: { readonly user: PredicateRule; readonly agent: PredicateRule }
  /** Under `equality`: how many different values one principal may ask for in an hour, for each data class. */
  readonly valuesPerHour: number
}

/** A resource. `upstream` was checked by the settings schema of its protocol. */
export interface Resource<Upstream = unknown> {
  readonly name: string
  readonly protocol: string
  /** `env: production` is the Cedar entity `Tag::"env=production"`. */
  readonly tags: { readonly [key: string]: string }
  readonly upstream: Upstream
  readonly credential: CredentialSettings
  /** `none`, or the name of a connector. */
  readonly connector: string
  readonly recording: RecordingSettings
  readonly masking: MaskingSettings
}

/** Upstream secrets, resolved, by field name. */
export type ResolvedSecrets = { readonly [field: string]: Secret }
