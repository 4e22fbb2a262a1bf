// What running a statement may leave behind in its session and for others, told once for all that share its operations.
import type { DefinedNames, MysqlAnalysis, SqlStatement } from '#engines/sql'
import type { Operation } from '#model'
import { definedNames } from './defined-names.ts'

export interface Effects {
  /** It may leave other definitions behind: its own words, what it stands for, or code that it calls. */
  readonly redefines: boolean
  /** What others would read in another way then. */
  readonly defines: DefinedNames
  /** No code ran but what its own words say: what is prepared is what they prepare. */
  readonly isPlain: boolean
  /** Its own words, or code that it ran, may have changed what the server tells of the session. */
  readonly silences: boolean
}

/** Statements that run what they do not say themselves. */
const RUNNERS: ReadonlySet<string> = new Set(['CALL', 'EXECUTE', 'EXECUTE IMMEDIATE', 'BEGIN'])

/** What they run is not among the settings that their text says. */
const SILENT: ReadonlySet<string> = new Set(['CALL', 'EXECUTE'])

const CODE: ReadonlySet<string> = new Set(['function', 'procedure'])

const NO_OPERATIONS: readonly Operation[] = []
const NO_NAMES: DefinedNames = []

/** Statements of one shape share theirs. */
const known = new WeakMap<
  readonly Operation[],
  { readonly statements: MysqlAnalysis['statements'] | undefined; readonly effects: Effects }
>()

export function effectsOf(
  operations: readonly Operation[] = NO_OPERATIONS,
  analysis: MysqlAnalysis | undefined,
): Effects {
  const statements = analysis?.statements
  const kept = known.get(operations)
  if (kept !== undefined && kept.statements === statements) return kept.effects
  const effects = tell(operations, analysis)
  known.set(operations, { statements, effects })
  return effects
}

export function runsOthers(statements: readonly SqlStatement[]): boolean {
  return statements.some(({ verb }) => RUNNERS.has(verb))
}

/** Settings of what the server tells. */
export function isTracking({ name }: { readonly name: string }): boolean {
  return name.startsWith('session_track_')
}

function tell(operations: readonly Operation[], analysis: MysqlAnalysis | undefined): Effects {
  const statements = analysis?.statements ?? []
  const dynamic = operations.some(({ flags }) => flags.includes('dynamic'))
  const foreign = dynamic || operations.some(({ flags }) => flags.includes('indirect'))
  const redefines =
    statements.some(({ changesCatalog }) => changesCatalog) ||
    operations.some(({ action }) => action === 'define') ||
    (dynamic && runsOthers(statements))
  return {
    redefines,
    defines: redefines ? definedNames(operations, analysis) : NO_NAMES,
    isPlain: !foreign && operations.every(({ verb }) => verb !== 'CALL'),
    silences:
      foreign ||
      operations.some(({ action, object }) => action === 'execute' && CODE.has(object.kind)) ||
      statements.some(({ verb, settings }) => SILENT.has(verb) || settings.some(isTracking)),
  }
}
