// Analysis → the model's Statement: names become objects, as the server would resolve them. Knows the catalog
// through `Names` only; keeps nothing.
import type { ComparedValue, Lineage, Parameter, Statement } from '#model'
import type { Analysis, SqlStatement } from './analysis.ts'
import type { Names, ResolvedRoutine } from './names.ts'
import { Resolution } from './resolution.ts'
import type { SessionWords } from './text-names.ts'

export interface StatementContext extends SessionWords {
  /** Verbatim. */
  readonly text: string
  readonly phase: 'prepare' | 'execute'
  readonly parameters?: readonly Parameter[]
  readonly state?: { readonly [name: string]: string }
  readonly inTransaction?: boolean
  /** What runs when its parameters are bound: the checks of domains that they are declared to be of. */
  readonly bindingRuns?: readonly ResolvedRoutine[]
  /** Called when code that the text runs changes what names mean, or whose rights count, for the rest of the session. */
  turned?(): void
  /** Called with the name of a relation that is read or written and that `Names` does not know. */
  missing?(name: string): void
  /** Called with each statement of such code that changes definitions. */
  defined?(statement: SqlStatement): void
}

/** What a principal asks with the text. Names that cannot be resolved stand as written. */
export function toStatement(
  analysis: Analysis,
  names: Names,
  context: StatementContext,
): Statement {
  const resolution = new Resolution(names, context)
  const lineage: Lineage[] = []
  const bound = resolution.binding()
  for (const statement of analysis.statements) {
    const own = resolution.lineage(statement)
    resolution.heed(statement, own)
    resolution.add(statement)
    lineage.push(resolution.withCode(statement, own))
  }
  const { text, phase, parameters, state, inTransaction } = context
  return {
    text,
    operations: resolution.operations(analysis.statements.length > 1),
    functions: resolution.functions,
    // A Bind is not judged: what it runs is to be approved before.
    phase: bound ? 'execute' : phase,
    ...(parameters === undefined ? {} : { parameters }),
    ...(state === undefined ? {} : { state }),
    mayDeriveFrom: resolution.origins(),
    lineage,
    ...(inTransaction === undefined ? {} : { inTransaction }),
  }
}

/**
 * What columns are compared with for equality, of an analysis that was made with values; `context.prepared` and
 * `context.cursor` give statements that were, too. `unknown` when one value cannot be told.
 */
export function comparedValues(
  analysis: Analysis,
  names: Names,
  context: StatementContext,
): readonly ComparedValue[] | 'unknown' {
  const resolution = new Resolution(names, context)
  const all: ComparedValue[] = []
  for (const statement of analysis.statements) {
    const found = resolution.compared(statement)
    if (found === 'unknown') return found
    all.push(...found)
    resolution.add(statement)
  }
  return all
}
