// Holds the detectors to their gates, and docs/detectors.md to what was measured: `node test/detectors/write-table.ts`
// writes it anew.
import { describe, expect, it } from 'vitest'
import { detectors } from '#engines/masking'
import { cells } from './cells.ts'
import { falseAlarms, precision, recall, scoreMade, scoreSentences } from './quality.ts'
import { publishedTable, tableNow } from './table.ts'
import { values } from './values.ts'

describe('a detector', () => {
  it('has values made up for it', () => {
    expect(Object.keys(values).sort()).toEqual([...detectors.keys()].sort())
  })

  it.each(Object.keys(values))('%s finds what was made for it, and little else', name => {
    const score = scoreMade(name)
    expect({ recall: recall(score), missed: score.missed.slice(0, 3) }).toSatisfy(
      () => recall(score) >= (score.checked ? 0.98 : 0.97),
    )
    expect({ precision: precision(score), taken: score.taken.slice(0, 3) }).toSatisfy(
      () => precision(score) >= 0.99,
    )
  })

  it.each(scoreSentences().map(score => [score.detector, score] as const))(
    '%s finds what others have labelled',
    (_, score) => {
      expect(recall(score), score.missed.join('\n')).toBeGreaterThanOrEqual(
        score.checked ? 0.98 : 0.97,
      )
      expect(precision(score), score.taken.join('\n')).toBeGreaterThanOrEqual(0.98)
    },
  )
})

describe('cells that hold nothing', () => {
  it.each(Object.keys(cells))('%s: one in ten thousand is taken for something, at most', kind => {
    expect(falseAlarms(kind).slice(1)).toEqual([])
  })
})

describe('docs/detectors.md', () => {
  it('has the figures that are measured', () => {
    expect(publishedTable()).toBe(tableNow())
  })
})
