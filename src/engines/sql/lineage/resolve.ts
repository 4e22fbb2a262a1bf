// The door of the resolver: a plan and the names of a catalog → where values come from and go. Never throws; what is
// too large or not understood is `unknown`.
import type { ComparedValue, Lineage, OutputLineage } from '#model'
import type { Plan, Renaming } from './plan.ts'
import type { Row } from './row.ts'
import { type LineageNames, Run } from './run.ts'
import { isConstant, TooMuch } from './value.ts'

const UNKNOWN_LINEAGE: Lineage = {
  outputs: 'unknown',
  probes: 'unknown',
  transfers: 'unknown',
}
const NOWHERE = { scope: undefined, ctes: undefined }
const constant: OutputLineage = { sources: [], how: 'transformed' }
const anything: OutputLineage = { sources: [], how: 'unknown' }
/** More columns than the server answers with (MaxTupleAttributeNumber). */
const MOST_OUTPUTS = 1_664

/** What a statement that is only a name (`named`) stands for is the caller's to find. */
export function resolveLineage(plan: Plan, names: LineageNames): Lineage {
  return guarded(() => {
    const run = new Run(names)
    const outputs = outputsOf(plan, run)
    return { outputs, probes: run.found.probes, transfers: run.found.transfers }
  }, UNKNOWN_LINEAGE)
}

/** What columns are held against for equality, of a plan that was made with values. */
export function resolveCompared(
  plan: Plan,
  names: LineageNames,
): readonly ComparedValue[] | 'unknown' {
  return guarded(() => {
    const run = new Run(names)
    outputsOf(plan, run)
    return run.found.compared
  }, 'unknown')
}

function guarded<T>(work: () => T, otherwise: T): T {
  try {
    return work()
  } catch (error) {
    // Safe: `unknown` is the worst that can be said. RangeError: nested too deeply for us.
    if (error instanceof TooMuch || error instanceof RangeError) return otherwise
    throw error
  }
}

function outputsOf(plan: Plan, run: Run): Lineage['outputs'] {
  switch (plan.kind) {
    case 'query': {
      const row = run.query(plan.query, NOWHERE)
      return plan.shown ? shownBy(row, run) : []
    }
    case 'kept':
      keep(plan, run)
      return []
    case 'explained': {
      // Planning tells of conditions (estimates); what it runs is its answer only with ANALYZE.
      if (plan.runs) outputsOf(plan.plan, run)
      else run.found.withoutTransfers(() => outputsOf(plan.plan, run))
      return [plan.runs ? anything : constant]
    }
    case 'called':
      run.value(plan.call, NOWHERE)
      return 'unknown'
    case 'renamed':
      rename(plan, run)
      return []
    case 'fixed':
      return new Array<OutputLineage>(plan.width).fill(constant)
    case 'named':
      return 'unknown'
    case 'unknown':
      run.found.lose()
      return 'unknown'
  }
}

function keep({ plan, by }: Extract<Plan, { kind: 'kept' }>, run: Run): void {
  if (plan.kind !== 'query') {
    outputsOf(plan, run)
    run.found.lose()
    return
  }
  const row = run.query(plan.query, NOWHERE)
  for (const value of row.values()) run.found.transfer(value, by)
  if (row.others !== undefined) run.found.transfer(row.others, by)
}

/** Each column goes where it is found by another name; a column that is not known by name may be any. */
function rename({ relation, by, column, name, schema }: Renaming, run: Run): void {
  const tables = run.names.relations(relation)
  for (const { object, columns, tracked } of tables ?? []) {
    // What a view shows is known by what it is made of, whatever it is called.
    if (tracked === true) continue
    const fits = `.${object}`.endsWith(`.${relation.name}`)
    const within = object.slice(0, -relation.name.length)
    const to = `${schema === undefined ? within : `${schema}.`}${name ?? relation.name}`
    if (!fits || columns.length === 0) run.found.lose()
    else {
      for (const each of columns) {
        if (column !== undefined && column.from !== each) continue
        const source = { sources: new Set([{ object, column: each }]), how: 'identity' } as const
        run.found.transfer(source, by, { object: to, column: column?.to ?? each })
      }
    }
  }
  if (tables === undefined) run.found.lose()
}

function shownBy(row: Row, run: Run): Lineage['outputs'] {
  if (row.others !== undefined || row.names.length > MOST_OUTPUTS) return 'unknown'
  return row.values().map(value => {
    if (isConstant(value)) return constant
    run.fuel.spend(value.sources.size)
    return { sources: [...value.sources], how: value.how }
  })
}
