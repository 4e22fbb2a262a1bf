// What a permit can do with the answer of its statement: what of it is masked, for one principal at one moment.
import { markRefused } from '#engines/exposure'
import type { PermitBasis } from '../protocol/index.ts'
import { bodyMasker, hiddenColumns, hidesInBodies, messageMasker } from './body-masks.ts'
import { planCells, scrubText, textStream, valuePlan } from './masks.ts'
import type { SessionView } from './sight.ts'

/** What its session knows of permits, and hears of them. */
export interface BasisParts {
  /** Whether the rules that the permit was minted under still hold. */
  isCurrent(): boolean
  /** A column of that entry's answer was masked, its text and the upstream saying different things of it. */
  disagreed(auditIndex: number, classes: readonly string[]): void
}

export function permitBasis(view: SessionView, { isCurrent, disagreed }: BasisParts): PermitBasis {
  return {
    plan: (statement, auditIndex, columns) =>
      planCells(view, statement, columns, ({ classes }) => disagreed(auditIndex, classes)),
    scrub: (statement, text) => scrubText(view, statement, text),
    text: () => textStream(view),
    masks: () => hidesInBodies(view),
    hiddenColumns: () => hiddenColumns(view),
    hidden: (column, told) => valuePlan(view, column, told),
    body: settings => bodyMasker(view, settings),
    messages: () => messageMasker(view),
    isCurrent,
    stored: () => {
      const watch = view.masks.marks.watch()
      return (bytes, start, end) => (watch(bytes, start, end) ? markRefused() : undefined)
    },
  }
}
