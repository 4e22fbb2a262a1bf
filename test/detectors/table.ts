// The figures of docs/detectors.md, between its marks.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { detectors } from '#engines/masking'
import { cells } from './cells.ts'
import {
  CELLS,
  falseAlarms,
  precision,
  recall,
  type Score,
  scoreMade,
  scoreSentences,
} from './quality.ts'

export const PAGE = resolve(import.meta.dirname, '../../docs/detectors.md')
const BEGIN = '<!-- measured: node test/detectors/write-table.ts -->\n'
const END = '\n<!-- end of measured -->'
const SENTENCES = 'presidio'

/** What the page says. Without the sentences of others, those rows are taken as they stand. */
export function publishedTable(): string {
  const [, rest = ''] = readFileSync(PAGE, 'utf8').split(BEGIN)
  return rest.split(END)[0] ?? ''
}

/** The page with the figures of now. */
export function pageNow(): string {
  const page = readFileSync(PAGE, 'utf8')
  const [before, rest, twice] = page.split(BEGIN)
  const [, behind] = rest?.split(END) ?? []
  if (before === undefined || behind === undefined || twice !== undefined) {
    throw new Error(`${PAGE} lacks the marks between which the figures stand`)
  }
  return `${before}${BEGIN}${tableNow()}${END}${behind}`
}

export function tableNow(): string {
  const sentences = scoreSentences()
  const kept = publishedTable()
    .split('\n')
    .filter(line => line.includes(`| ${SENTENCES} |`))
  const row = (corpus: string) => (score: Score) =>
    `| \`${score.detector}\` | ${corpus} | ${score.labels} | ${score.found} | ${score.wrong} | ${precision(score).toFixed(3)} | ${recall(score).toFixed(3)} |`
  return [
    '| detector | corpus | labels | found | wrong | precision | recall |',
    '|---|---|---|---|---|---|---|',
    ...[...detectors.keys()].map(scoreMade).map(row('made up')),
    ...(sentences.length > 0 ? sentences.map(row(SENTENCES)) : kept),
    '',
    `| ${CELLS} cells of | taken for something |`,
    '|---|---|',
    ...Object.keys(cells).map(kind => `| ${kind} | ${falseAlarms(kind).length} |`),
  ].join('\n')
}
