// One statement on a real server against what we say of it: whose marks came out, and where they were said to come from.
import type { Client } from 'pg'
import type { Analyser } from '../../src/engines/sql/index.ts'
import type { Lineage, OutputLineage } from '../../src/model/index.ts'
import type { StatementBuilder } from '../../src/protocols/postgres/statement.ts'
import { marks } from './world.ts'

export interface Tally {
  tried: number
  ran: number
  outputs: number
  /** Outputs of which nothing was said, or `unknown`. */
  untold: number
  /** Sources that were named, and those of them whose mark came out. */
  named: number
  seen: number
}

export interface Judge {
  client: Client
  readonly analyser: Analyser
  readonly builder: StatementBuilder
}

export const newTally = (): Tally => ({
  tried: 0,
  ran: 0,
  outputs: 0,
  untold: 0,
  named: 0,
  seen: 0,
})

export function lineageOf(text: string, { analyser, builder }: Judge): Lineage {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) throw new Error(`${analysis.message}: ${text}`)
  const statement = builder.build(analysis, text, {
    phase: 'execute',
    inTransaction: false,
    segment: 0,
    catalogDirty: false,
  })
  const lineage = statement.lineage?.[0]
  if (lineage === undefined) throw new Error(`no lineage: ${text}`)
  return lineage
}

/** The columns whose marks are in a text. */
export function marked(text: string): readonly string[] {
  const plain = text.toLowerCase()
  return [...marks].filter(([mark]) => plain.includes(mark)).map(([, column]) => column)
}

export const namesOf = (
  columns: readonly { object: string; column: string }[],
): readonly string[] => columns.map(({ object, column }) => `${object}.${column}`)

/** Runs a query; what came out of a column that was not said to be a source of it. Undefined: the server refused. */
export async function leaksOf(
  text: string,
  judge: Judge,
  tally: Tally,
): Promise<readonly string[] | undefined> {
  tally.tried += 1
  let rows: unknown[][]
  try {
    rows = (await judge.client.query({ text, rowMode: 'array' })).rows as unknown[][]
  } catch {
    return undefined // not every random text means something
  }
  tally.ran += 1
  const { outputs } = lineageOf(text, judge)
  const width = rows[0]?.length ?? 0
  tally.outputs += width
  if (outputs === 'unknown') {
    tally.untold += width
    return []
  }
  if (rows.length > 0 && outputs.length !== width)
    return [`${outputs.length} columns, not ${width}`]
  const leaks: string[] = []
  for (const [index, output] of outputs.entries()) {
    if (output.how === 'unknown') tally.untold += 1
    const seen = new Set<string>()
    for (const row of rows) {
      const cell = row[index]
      if (cell === null) continue
      for (const column of marked(typeof cell === 'string' ? cell : JSON.stringify(cell))) {
        seen.add(column)
      }
      leaks.push(...notAsSaid(cell, output, index))
    }
    if (output.how === 'unknown') continue
    const named = namesOf(output.sources)
    tally.named += named.length
    for (const column of seen) {
      if (named.includes(column)) tally.seen += 1
      else leaks.push(`output ${index + 1} holds ${column}, said: ${named.join(' ') || 'nothing'}`)
    }
  }
  return [...new Set(leaks)]
}

/** `identity` is one value unchanged: a mark, and a number behind it. (A write may have put anything there: no mark.) */
function notAsSaid(cell: unknown, { how }: OutputLineage, index: number): readonly string[] {
  if (how !== 'identity' || typeof cell !== 'string') return []
  const asItWas = /^q[a-z0-9]+q\d?-?$/.test(cell) || marked(cell).length === 0
  return asItWas ? [] : [`output ${index + 1} is no value as it was: ${cell}`]
}

/** Runs a write and undoes it; what is stored afterwards, or came out, that was not said. Undefined: the server refused. */
export async function spillsOf(
  text: string,
  judge: Judge,
  tally: Tally,
): Promise<readonly string[] | undefined> {
  const { client } = judge
  await client.query('begin')
  try {
    const leaks = await leaksOf(text, judge, tally)
    if (leaks === undefined) return undefined
    // (A busy machine may take long to hand out what was written quickly.)
    await client.query('set local statement_timeout = 0')
    const table = text.includes(' copied ') ? 'copied' : 'w1'
    const { rows } = await client.query(`select * from ${table}`)
    const { transfers } = lineageOf(text, judge)
    if (transfers === 'unknown') return leaks
    const spilled = new Set<string>()
    for (const row of rows as Record<string, unknown>[]) {
      for (const [column, value] of Object.entries(row)) {
        for (const from of marked(String(value))) {
          if (from === `public.${table}.${column}`) continue
          const said = transfers.some(
            ({ sources, how, to }) =>
              (to === undefined || `${to.object}.${to.column}` === `public.${table}.${column}`) &&
              (how === 'unknown' || namesOf(sources).includes(from)),
          )
          if (!said) spilled.add(`${table}.${column} got ${from}`)
        }
      }
    }
    return [...leaks, ...spilled]
  } finally {
    // (Gone with the server, which some random text may crash: the caller connects again.)
    await client.query('rollback').catch(() => undefined)
  }
}
