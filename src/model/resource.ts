// A protected system, as configuration describes it.
import type { Secret } from './secret.ts'

/** The upstream credential: each protocol names the fields it takes. Values are resolved at the last hop. */
export interface CredentialSettings {
  readonly user?: string
  /** Field name to a reference (`env:NAME`, `file:path`, `vault:path#key`, `stored:name`). Never a value. */
  readonly secrets: { readonly [field: string]: string }
}

export interface RecordingSettings {
  /** `statements`: texts and decisions only; `answers`: also what the principal saw, up to the limit. */
  readonly keep: 'statements' | 'answers'
  /** The most bytes of answers kept for one statement (after masking). */
  readonly answerBytes: number
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
}

/** Upstream secrets, resolved, by field name. */
export type ResolvedSecrets = { readonly [field: string]: Secret }
