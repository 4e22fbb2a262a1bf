// How far the answer under way has come, and what is known of its rows.
import type { RowPlan } from '#engines/masking'
import type { ColumnDefinition, Format } from './columns.ts'
import type { Prepared } from './prepared.ts'
import type { Shape } from './shape.ts'

export type Phase = 'first' | 'parameters' | 'columns' | 'defined' | 'rows'

export class Answer {
  phase: Phase = 'first'
  /** Column definitions that are still to come. */
  left = 0
  columnsAfter = 0
  /** Those that came so far. */
  definitions: ColumnDefinition[] = []
  /** Of the rows, once all definitions are there. */
  shape: Shape | undefined
  format: Format = 'text'
  plan: RowPlan | undefined
  preparing: Prepared | undefined
  /** It told of warnings. */
  warned = false

  begin(phase: 'parameters' | 'columns', count: number): void {
    this.phase = phase
    this.left = count
    this.definitions = []
  }
}
