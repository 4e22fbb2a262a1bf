// What becomes of each value of a statement, for people: shown or masked, and what it may not ask or send. Says the same
// as the data path, which asks the same functions.
import type {
  ColumnName,
  DataClass,
  Derivation,
  Lineage,
  PredicateRule,
  ProbeUse,
  Statement,
} from '#model'
import { type Exposed, type Untold, untoldOf, type View } from './hidden.ts'
import { judgeUses, writes } from './judge.ts'
import { outputExposure } from './outputs.ts'
import { judgeProbes } from './probes.ts'
import type { UseRefusal } from './refusals.ts'
import { judgeTransfers } from './transfers.ts'

export interface OutputWhy {
  readonly sources: readonly string[]
  readonly how: Derivation
  /** `masked`: by the method of its class; `redacted`: whole, as no method fits. Detectors look at what is shown. */
  readonly shown: 'clear' | 'masked' | 'redacted'
  readonly classes: readonly string[]
}

export interface ProbeWhy {
  readonly use: ProbeUse | 'unknown'
  readonly columns: readonly string[]
  readonly classes: readonly string[]
  readonly outcome: 'free' | 'counted' | 'refused'
}

export interface TransferWhy {
  readonly by: string
  readonly sources: readonly string[]
  readonly how: Derivation
  readonly to?: string
  readonly classes: readonly string[]
  readonly outcome: 'free' | 'refused'
}

/** Of one statement of a text. */
export interface LineageWhy {
  /** `unknown`: the columns cannot be told from the text; each is redacted when `untold` names classes. */
  readonly outputs: readonly OutputWhy[] | 'unknown'
  readonly untold: readonly string[]
  readonly probes: readonly ProbeWhy[]
  readonly transfers: readonly TransferWhy[]
}

export interface UsesWhy {
  readonly rule: PredicateRule
  /** What refuses it although policies permit it. Values are not counted here. */
  readonly refusal: UseRefusal | undefined
  /** One for each statement of the text; empty when nothing is known of their lineage. */
  readonly statements: readonly LineageWhy[]
  /** The classes of the columns that it touches, each with one of them, a hidden one where there is any. */
  readonly classes: readonly {
    readonly dataClass: string
    readonly column: ColumnName | 'unknown'
  }[]
}

export function explainUses(
  statement: Pick<Statement, 'lineage' | 'mayDeriveFrom' | 'operations'>,
  rule: PredicateRule,
  view: View,
  classOf: (column: ColumnName) => DataClass | undefined,
): UsesWhy {
  const untold = untoldOf(statement, view)
  return {
    rule,
    refusal: judgeUses(statement, rule, view).refusal,
    statements: (statement.lineage ?? []).map(lineage => ({
      outputs: outputsOf(lineage, view, untold),
      untold: classesOf(untold),
      probes: probesOf(lineage, rule, view, () => untold),
      transfers: transfersOf(lineage, writes(statement), view, () => untold),
    })),
    classes: classesTouched(statement, view, classOf, untold),
  }
}

function classesTouched(
  { mayDeriveFrom, lineage = [] }: Pick<Statement, 'lineage' | 'mayDeriveFrom'>,
  { hides }: View,
  classOf: (column: ColumnName) => DataClass | undefined,
  untold: Exposed | undefined,
): UsesWhy['classes'] {
  const known = lineage.flatMap(({ outputs, probes, transfers }) => [
    ...(outputs === 'unknown' ? [] : outputs.flatMap(({ sources }) => sources)),
    ...(probes === 'unknown' ? [] : probes.flatMap(({ columns }) => columns)),
    ...(transfers === 'unknown' ? [] : transfers.flatMap(({ sources }) => sources)),
  ])
  const columns = mayDeriveFrom === 'all' ? known : [...known, ...mayDeriveFrom]
  const found = new Map<string, ColumnName | 'unknown'>()
  for (const column of columns) {
    const name = classOf(column)?.name
    if (name !== undefined && (!found.has(name) || hides(column) !== undefined))
      found.set(name, column)
  }
  for (const name of mayDeriveFrom === 'all' ? classesOf(untold) : [])
    if (!found.has(name)) found.set(name, 'unknown')
  return [...found].map(([dataClass, column]) => ({ dataClass, column }))
}

function outputsOf(
  { outputs }: Lineage,
  { hides }: View,
  untold: Exposed | undefined,
): readonly OutputWhy[] | 'unknown' {
  if (outputs === 'unknown') return 'unknown'
  return outputs.map(output => {
    const exposure = outputExposure(output, hides)
    const known = { sources: output.sources.map(nameOf), how: output.how }
    if (exposure.kind === 'hidden') {
      const classes = exposure.classes.map(({ name }) => name)
      return { ...known, shown: exposure.own ? 'masked' : 'redacted', classes }
    }
    const classes = exposure.kind === 'untold' ? classesOf(untold) : []
    return { ...known, shown: classes.length === 0 ? 'clear' : 'redacted', classes }
  })
}

function probesOf(
  lineage: Lineage,
  rule: PredicateRule,
  { hides }: View,
  untold: Untold,
): readonly ProbeWhy[] {
  const { probes } = lineage
  return judgeProbes(lineage, rule, hides, untold).map(({ use, hidden, outcome }, index) => ({
    use,
    columns: probes === 'unknown' ? [] : (probes[index]?.columns ?? []).map(nameOf),
    classes: classesOf(hidden),
    outcome,
  }))
}

function transfersOf(
  lineage: Lineage,
  writing: boolean,
  { hides }: View,
  untold: Untold,
): readonly TransferWhy[] {
  const { transfers } = lineage
  return judgeTransfers(lineage, writing, hides, untold).map(({ by, hidden, outcome }, index) => {
    const transfer = transfers === 'unknown' ? undefined : transfers[index]
    return {
      by: by ?? 'unknown',
      sources: transfer?.sources.map(nameOf) ?? [],
      how: transfer?.how ?? 'unknown',
      ...(transfer?.to === undefined ? {} : { to: nameOf(transfer.to) }),
      classes: classesOf(hidden),
      outcome,
    }
  })
}

function classesOf(exposed: Exposed | undefined): string[] {
  return exposed?.classes.map(({ name }) => name) ?? []
}

function nameOf({ object, column }: ColumnName): string {
  return `${object}.${column}`
}
