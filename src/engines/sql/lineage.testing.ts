// For tests of lineage: a catalog of two tables and a view, and lineage as a short text.
import type { Lineage, OutputLineage, Statement } from '#model'
import {
  type Analyser,
  createPostgresAnalyser,
  type Names,
  type StatementContext,
  toStatement,
} from './index.ts'

const tables: Readonly<Record<string, readonly string[]>> = {
  customers: ['id', 'name', 'ssn', 'j'],
  orders: ['id', 'customer_id', 'note'],
  v: ['s', 'name'],
}

export const names: Names = {
  resolve: ({ schema, name }) => {
    const columns = tables[name]
    if (columns === undefined || (schema ?? 'public') !== 'public') return []
    return [{ object: name, kind: name === 'v' ? 'view' : 'table', columns }]
  },
  functions: ({ name }) =>
    name === 'mine' || name === 'initcap' || name === 'oid' ? [`public.${name}`] : [],
  operators: ({ name }) =>
    name === '^@'
      ? [{ object: 'public.mine', definer: false, code: () => 'unknown', size: 1 }]
      : [],
  isPlainType: ({ name }) => name === 'mood',
  withSearchPath: () => names,
}

let analyser: Analyser | undefined

export async function lineageTester(): Promise<{
  readonly made: (text: string, more?: Partial<StatementContext>) => Statement
  readonly lineage: (text: string, more?: Partial<StatementContext>) => Lineage
}> {
  analyser ??= await createPostgresAnalyser()
  const made = (text: string, more: Partial<StatementContext> = {}): Statement => {
    const analysis = analyser?.analyse(text)
    if (analysis?.readable !== true) throw new Error(`${text}: ${analysis?.message}`)
    return toStatement(analysis, names, { text, phase: 'execute', ...more })
  }
  return {
    made,
    lineage: (text, more) => made(text, more).lineage?.at(-1) as Lineage,
  }
}

/** `=a.b` identity, `~a.b` transformed, `+a.b` aggregate, `?a.b` unknown, `-` nothing. */
export function outputsAs(lineage: Lineage): string {
  if (lineage.outputs === 'unknown') return 'unknown'
  return lineage.outputs.map(columnAs).join(' ')
}

function columnAs({ sources, how }: OutputLineage): string {
  const mark = { identity: '=', transformed: '~', aggregate: '+', unknown: '?' }[how]
  if (sources.length === 0) return how === 'unknown' ? '?' : '-'
  return (
    mark +
    sources
      .map(each => `${each.object}.${each.column}`)
      .sort()
      .join(',')
  )
}

/** `use:a.b,a.c`, sorted. */
export function probesAs(lineage: Lineage): string {
  if (lineage.probes === 'unknown') return 'unknown'
  return lineage.probes
    .map(({ use, columns }) => {
      const asked = columns.map(each => `${each.object}.${each.column}`).sort()
      return `${use}:${asked.join(',')}`
    })
    .sort()
    .join(' ')
}

/** `BY =a.b>t.c`. */
export function transfersAs(lineage: Lineage): string {
  if (lineage.transfers === 'unknown') return 'unknown'
  return lineage.transfers
    .map(({ by, to, ...value }) => {
      const into = to === undefined ? '' : `>${to.object}.${to.column}`
      return `${by} ${columnAs(value)}${into}`
    })
    .join('; ')
}
