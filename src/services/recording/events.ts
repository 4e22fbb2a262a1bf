// What a recording holds, line by line. Answers are what the principal saw: after masking.
import type { JsonObject } from '#model'

/** `at` is Unix ms; `entry` is the index of the audit entry that goes with it. */
export type RecordedEvent =
  | { readonly kind: 'opened'; readonly at: number; readonly header: JsonObject }
  | {
      readonly kind: 'statement'
      readonly at: number
      readonly entry: number
      readonly text: string
      readonly parameters?: readonly (string | null)[] | undefined
      readonly effect: 'permit' | 'deny' | 'held'
      readonly code: string
      readonly policies: readonly string[]
      readonly message?: string | undefined
      /** With the first statement of a text: the objects it touches and what it does. Later ones are as the first. */
      readonly objects?: readonly string[]
      readonly verbs?: readonly string[]
    }
  | {
      readonly kind: 'answer'
      readonly at: number
      readonly entry: number
      readonly columns: readonly string[]
      readonly rows: readonly (readonly (string | null)[])[]
      readonly truncated: boolean
    }
  | {
      readonly kind: 'outcome'
      readonly at: number
      readonly entry: number
      readonly status: string
      readonly rows: number
      readonly bytes: number
      /** How many times it was sent upstream, when more than once. */
      readonly sent?: number | undefined
      readonly errorCode?: string | undefined
      /** How many values were masked, by class. */
      readonly masked?: { readonly [dataClass: string]: number } | undefined
    }
  /** A piece of output of a statement: `text`, or `base64` where it is not UTF-8. */
  | {
      readonly kind: 'output'
      readonly at: number
      readonly entry: number
      readonly stream: 'output' | 'error'
      readonly text?: string
      readonly base64?: string
    }
  /** The terminal that output is shown on, in characters. */
  | {
      readonly kind: 'size'
      readonly at: number
      readonly entry: number
      readonly columns: number
      readonly rows: number
      /** What the client says that it is. */
      readonly type?: string | undefined
    }
  /**
   * What was typed on that terminal and shown back; without a text: a line that was not. Kept apart from all other events,
   * under a key of its own.
   */
  | {
      readonly kind: 'input'
      readonly at: number
      readonly entry: number
      readonly text?: string | undefined
    }
  | { readonly kind: 'note'; readonly at: number; readonly text: string }
  /** Only when read: there is more, from event number `next` on. */
  | { readonly kind: 'cut'; readonly at: number; readonly next: number }
  | { readonly kind: 'closed'; readonly at: number; readonly reason: string }
