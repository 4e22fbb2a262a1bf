// From a text to the Statement that the gateway judges. Names are resolved as the server would resolve them
// in this session; EXECUTE and FETCH stand for what they run. Decides nothing.
import {
  type Analyser,
  type Analysis,
  comparedValues,
  type DefinedNames,
  expandColumns,
  expandLineage,
  type Names,
  type OpenDefinitions,
  type ReadNames,
  type ResolvedRoutine,
  type SqlStatement,
  type StatementContext,
  toStatement,
} from '#engines/sql'
import {
  AccessDenied,
  type ComparedValue,
  type Lineage,
  type Parameter,
  type ReasonCode,
  type Statement,
} from '#model'
import type { Catalog } from './catalog-types.ts'
import { definedNames, hasChanged, joinedNames, readNames } from './defined-names.ts'
import { changesRole, type Scope } from './scope.ts'
import type { Named, SessionNames } from './session-names.ts'

/** A text that is refused before anything is judged; `position` is for the client's caret. */
export class UnreadableText extends AccessDenied {
  readonly position: number | undefined

  constructor(code: ReasonCode, message: string, position: number | undefined) {
    super(code, message)
    this.position = position
  }
}

export interface Circumstances {
  readonly phase: 'prepare' | 'execute'
  readonly inTransaction: boolean
  readonly segment: number
  readonly parameters?: readonly Parameter[] | undefined
  /** The types that a Parse declares its parameters to be of. */
  readonly parameterTypes?: readonly number[] | undefined
  /** Definitions were changed that the catalog has not read. */
  readonly catalogDirty: boolean
  /** Of a portal: `Scope.key` when it was bound. */
  readonly boundUnder?: string | undefined
}

interface Template {
  readonly version: number
  readonly scope: string
  readonly statement: Statement
  readonly missing: readonly string[]
}

/** Types below came with the server (FirstNormalObjectId). */
const FIRST_USER_OID = 16_384
const none: readonly never[] = []

/** One memory for all sessions: it lives as long as the analyser keeps the analysis. */
const templates = new WeakMap<
  Analysis,
  { catalog: Catalog; prepare?: Template; execute?: Template }
>()

/** Texts that run code which changes the path or the role, by some catalog: what it sets it to is not known. */
const turning = new WeakSet<Analysis>()
/** What such code defines for all sessions. */
const defining = new WeakMap<Analysis, DefinedNames>()

export class StatementBuilder {
  readonly #analyser: Analyser
  readonly #catalog: Catalog
  readonly #scope: Scope
  readonly #names: SessionNames
  readonly #own: OpenDefinitions | undefined
  #missing: readonly string[] = none

  /** `own`: what this session itself is changing. */
  constructor(
    analyser: Analyser,
    catalog: Catalog,
    scope: Scope,
    names: SessionNames,
    own?: OpenDefinitions,
  ) {
    this.#analyser = analyser
    this.#catalog = catalog
    this.#scope = scope
    this.#names = names
    this.#own = own
  }

  /** Throws UnreadableText. */
  analyse(text: string): Analysis {
    const analysis = this.#analyser.analyse(text)
    if (analysis.readable) return analysis
    throw new UnreadableText(analysis.code, analysis.message, analysis.position)
  }

  /** Relations of the statement that was built last that the catalog does not know, as far as they can be named. */
  get missing(): readonly string[] {
    return this.#missing
  }

  build(analysis: Analysis, text: string, circumstances: Circumstances): Statement {
    const { inTransaction, parameters } = circumstances
    const { catalogDirty } = circumstances
    if (catalogDirty || definesFirst(analysis) || this.mayBeOld(analysis, circumstances)) {
      // What a view shows is not known then, nor what a table holds: what comes of one may be anything.
      const unsure = { ...circumstances, catalogDirty: true }
      const made = this.#make(analysis, text, unsure)
      const statement = this.#comparing(made, analysis, text, unsure)
      return {
        ...statement,
        mayDeriveFrom: 'all',
        ...(parameters === undefined || parameters.length === 0 ? {} : { parameters }),
        ...(inTransaction ? { inTransaction } : {}),
      }
    }
    const template =
      this.#boundElsewhere(circumstances) ||
      analysis.statements.some(refers) ||
      this.#bindingRuns(circumstances).length > 0
        ? this.#make(analysis, text, circumstances)
        : this.#template(analysis, text, circumstances)
    if (
      parameters === undefined &&
      !inTransaction &&
      template.text === text &&
      template.compared === undefined
    ) {
      return template
    }
    // (One spread at the head of a literal is a copy of a known form; further ones are loops over names.)
    const own = this.#comparing(template, analysis, text, circumstances)
    const { phase } = own
    const bound = parameters !== undefined && parameters.length > 0
    if (inTransaction) {
      return bound
        ? { ...own, text, phase, parameters, inTransaction }
        : { ...own, text, phase, inTransaction }
    }
    return bound ? { ...own, text, phase, parameters } : { ...own, text, phase }
  }

  /** What columns are compared with is in this very text: it is read again when somebody asks. */
  #comparing(
    statement: Statement,
    analysis: Analysis,
    text: string,
    circumstances: Circumstances,
  ): Statement {
    if (statement.compared === undefined) return statement
    return { ...statement, compared: () => this.#compared(analysis, text, circumstances) }
  }

  #compared(
    analysis: Analysis,
    text: string,
    circumstances: Circumstances,
  ): readonly ComparedValue[] | 'unknown' {
    const again = this.#analyser.analyseWithValues(text)
    if (!again.readable) return 'unknown'
    const found = comparedValues(again, this.#namesFor(analysis, circumstances), {
      ...this.#context(analysis, text, circumstances),
      prepared: name => this.#withValues(this.#names.executed(name, circumstances.segment)),
      cursor: name => this.#withValues(this.#names.fetched(name)),
    })
    if (found === 'unknown') return found
    const all: ComparedValue[] = []
    for (const { columns, value } of found) {
      const expanded = expandColumns(columns, this.#catalog)
      if (expanded === 'unknown') return expanded
      all.push({ columns: expanded, value })
    }
    return all
  }

  /** The statement of a name, read again in the text that made it. */
  #withValues(named: Named | undefined): SqlStatement | undefined {
    if (named === undefined) return undefined
    const again = this.#analyser.analyseWithValues(named.text)
    if (!again.readable) return undefined
    // Several of one kind in a text: which one it was is not known, and what has no values is unknown.
    const [only, ...others] = again.statements
    if (only === undefined || others.length > 0) return named.statement
    return only.prepares?.statement ?? only.declares?.statement ?? only
  }

  /** Names as the session has them; every candidate where that moves within the text, or has since a cursor was made. */
  #namesFor({ statements }: Analysis, circumstances: Circumstances): Names {
    const moving = statements.length > 1 && statements.some(changesRole)
    const moved = statements.some(({ fetches }) => {
      const made = fetches === undefined ? undefined : this.#names.fetched(fetches.cursor)?.scope
      return made !== undefined && made !== this.#scope.key
    })
    const elsewhere = moving || moved || this.#boundElsewhere(circumstances)
    return this.#catalog.names(elsewhere ? undefined : this.#scope.path)
  }

  #boundElsewhere({ boundUnder }: Circumstances): boolean {
    return boundUnder !== undefined && boundUnder !== this.#scope.key
  }

  #context(analysis: Analysis, text: string, circumstances: Circumstances): StatementContext {
    const catalogUnknown = circumstances.catalogDirty || definesFirst(analysis)
    const bindingRuns = this.#bindingRuns(circumstances)
    return { text, phase: circumstances.phase, catalogUnknown, bindingRuns }
  }

  /** Of types of users that a Parse names: a Bind that nobody judges runs their checks. */
  #bindingRuns({ parameterTypes }: Circumstances): readonly ResolvedRoutine[] {
    let found: readonly ResolvedRoutine[] = none
    for (const type of parameterTypes ?? none) {
      if (type >= FIRST_USER_OID) found = [...found, ...this.#catalog.typeCode(type)]
    }
    return found
  }

  /** The statement that a FETCH, an EXECUTE or the statement itself runs: whose settings and columns count. */
  effective(statement: SqlStatement, segment: number): SqlStatement {
    if (statement.executes !== undefined) {
      return this.#names.executed(statement.executes.name, segment)?.statement ?? statement
    }
    if (statement.fetches !== undefined) {
      return this.#names.fetched(statement.fetches.cursor)?.statement ?? statement
    }
    return statement
  }

  /** Others have changed what it names, or what code names that it runs, and the catalog was not read since; or they are about to. */
  mayBeOld(analysis: Analysis, circumstances: Pick<Circumstances, 'segment'>): boolean {
    const { definitions } = this.#catalog
    const since = this.#since(analysis, definitions.changes)
    const rests = definitions.isQuiet(this.#own) && since === definitions.changes
    if (rests && !this.#catalog.changing) return false
    const read = this.reads(analysis, circumstances)
    if (this.#catalog.changing && hasChanged(read, this.#catalog)) return true
    if (rests) return false
    return definitions.mayTurn(read, this.#own) || definitions.mayDiffer(read, since, this.#own)
  }

  /** What it reads, and code that it runs, by what the catalog knows. */
  reads(analysis: Analysis, circumstances: Pick<Circumstances, 'segment'>): ReadNames {
    const { operations } = this.#make(analysis, '', {
      phase: 'execute',
      inTransaction: false,
      catalogDirty: false,
      ...circumstances,
    })
    return readNames(operations, this.#catalog)
  }

  /** Whether what it names has, or may have by what others do, another meaning than when it was judged. */
  mayDiffer({ operations }: Statement, analysis: Analysis, judgedAt: number): boolean {
    const { definitions } = this.#catalog
    const since = this.#since(analysis, judgedAt)
    if (definitions.rests(since, this.#own)) return false
    return definitions.mayDiffer(readNames(operations, this.#catalog), since, this.#own)
  }

  /** A cursor shows what its query meant when it was declared. */
  #since({ statements }: Analysis, judgedAt: number): number {
    let since = judgedAt
    for (const { fetches } of statements) {
      const named = fetches === undefined ? undefined : this.#names.fetched(fetches.cursor)
      if (named?.judgedAt !== undefined && named.judgedAt < since) since = named.judgedAt
    }
    return since
  }

  /** What code that the text runs defines for all sessions. */
  defines(analysis: Analysis): DefinedNames {
    return defining.get(analysis) ?? none
  }

  /** True when code that the text runs leaves another path or role behind. */
  turns(analysis: Analysis): boolean {
    return turning.has(analysis)
  }

  #template(analysis: Analysis, text: string, circumstances: Circumstances): Statement {
    let kept = templates.get(analysis)
    if (kept === undefined || kept.catalog !== this.#catalog) {
      kept = { catalog: this.#catalog }
      templates.set(analysis, kept)
    }
    const known = kept[circumstances.phase]
    const { version } = this.#catalog
    const { key } = this.#scope
    if (known?.version === version && known.scope === key) {
      this.#missing = known.missing
      return known.statement
    }
    const { phase, segment } = circumstances
    const statement = this.#make(analysis, text, {
      phase,
      segment,
      inTransaction: false,
      catalogDirty: false,
    })
    kept[phase] = { version, scope: key, statement, missing: this.#missing }
    return statement
  }

  #make(analysis: Analysis, text: string, circumstances: Circumstances): Statement {
    const { segment } = circumstances
    const state: Record<string, string> = { ...this.#scope.state() }
    let missing: readonly string[] = none
    const statement = toStatement(analysis, this.#namesFor(analysis, circumstances), {
      ...this.#context(analysis, text, circumstances),
      state,
      turned: () => void turning.add(analysis),
      missing: name => {
        missing = [...missing, name]
      },
      defined: each => {
        const names = joinedNames(this.defines(analysis), definedNames(each))
        if (names.length > 0) defining.set(analysis, names)
      },
      prepared: name => {
        const named = this.#names.executed(name, segment)
        if (named !== undefined) state[`prepared ${name}`] = named.text
        return named?.statement
      },
      cursor: name => {
        const named = this.#names.fetched(name)
        if (named !== undefined) state[`cursor ${name}`] = named.text
        return named?.statement
      },
    })
    this.#missing = missing
    const lineage = expandLineage(statement.lineage ?? [], this.#catalog)
    return {
      ...statement,
      state,
      mayDeriveFrom: this.#catalog.expand(statement.mayDeriveFrom),
      lineage,
      // (Of a template: which text it is for is not known yet.)
      ...(compares(lineage) ? { compared: () => 'unknown' } : {}),
    }
  }
}

/** A column is compared with what the statement says itself. */
function compares(lineage: readonly Lineage[]): boolean {
  return lineage.some(
    ({ probes }) => probes !== 'unknown' && probes.some(({ use }) => use === 'equality'),
  )
}

function definesFirst({ statements }: Analysis): boolean {
  return statements.length > 1 && statements.some(({ changesCatalog }) => changesCatalog)
}

function refers(statement: SqlStatement): boolean {
  return (
    statement.executes !== undefined ||
    statement.fetches !== undefined ||
    (statement.prepares !== undefined && refers(statement.prepares.statement))
  )
}
