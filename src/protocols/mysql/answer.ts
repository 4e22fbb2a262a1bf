// How far the answer under way has come, and what is known of its rows.
import type { RowPlan } from '#engines/masking'
import type { ColumnDefinition, Format } from './columns.ts'
import type { Prepared } from './prepared.ts'

export type Phase = 'first' | 'parameters' | 'columns' | 'defined' | 'rows'

const NO_SIZES: readonly never[] = []

export class Answer {
  phase: Phase = 'first'
  /** Column definitions that are still to come. */
  left = 0
  columnsAfter = 0
  definitions: ColumnDefinition[] = []
  format: Format = 'text'
  plan: RowPlan | undefined
  /** Of a binary row's values. */
  sizes: readonly (number | 'dated' | undefined)[] = NO_SIZES
  preparing: Prepared | undefined
  /** It told of warnings. */
  warned = false

  begin(phase: 'parameters' | 'columns', count: number): void {
    this.phase = phase
    this.left = count
    this.definitions = []
  }
}
