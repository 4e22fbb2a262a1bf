// From a text to the Statement that the gateway judges. Names are resolved as the server would resolve them
// in this session; EXECUTE and FETCH stand for what they run. Decides nothing.
import { type Analyser, type Analysis, type SqlStatement, toStatement } from '#engines/sql'
import { AccessDenied, type Parameter, type ReasonCode, type Statement } from '#model'
import type { Catalog } from './catalog-types.ts'
import { expandLineage } from './lineage.ts'
import { changesRole, type Scope } from './scope.ts'
import type { SessionNames } from './session-names.ts'

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
  /** Definitions were changed that the catalog has not read. */
  readonly catalogDirty: boolean
}

interface Template {
  readonly version: number
  readonly scope: string
  readonly statement: Statement
}

/** One memory for all sessions: it lives as long as the analyser keeps the analysis. */
const templates = new WeakMap<
  Analysis,
  { catalog: Catalog; prepare?: Template; execute?: Template }
>()

/** Texts that run code which changes the path or the role, by some catalog: what it sets it to is not known. */
const turning = new WeakSet<Analysis>()

export class StatementBuilder {
  readonly #analyser: Analyser
  readonly #catalog: Catalog
  readonly #scope: Scope
  readonly #names: SessionNames

  constructor(analyser: Analyser, catalog: Catalog, scope: Scope, names: SessionNames) {
    this.#analyser = analyser
    this.#catalog = catalog
    this.#scope = scope
    this.#names = names
  }

  /** Throws UnreadableText. */
  analyse(text: string): Analysis {
    const analysis = this.#analyser.analyse(text)
    if (analysis.readable) return analysis
    throw new UnreadableText(analysis.code, analysis.message, analysis.position)
  }

  build(analysis: Analysis, text: string, circumstances: Circumstances): Statement {
    const { phase, inTransaction, parameters } = circumstances
    if (circumstances.catalogDirty || definesFirst(analysis)) {
      // What a view shows is not known then, nor what a table holds: what comes of one may be anything.
      const statement = this.#make(analysis, text, circumstances)
      return {
        ...statement,
        mayDeriveFrom: 'all',
        ...(parameters === undefined || parameters.length === 0 ? {} : { parameters }),
        ...(inTransaction ? { inTransaction } : {}),
      }
    }
    const template = analysis.statements.some(refers)
      ? this.#make(analysis, text, circumstances)
      : this.#template(analysis, text, circumstances)
    if (
      parameters === undefined &&
      !inTransaction &&
      template.text === text &&
      template.phase === phase
    ) {
      return template
    }
    // (One spread at the head of a literal is a copy of a known form; further ones are loops over names.)
    const bound = parameters !== undefined && parameters.length > 0
    if (inTransaction) {
      return bound
        ? { ...template, text, phase, parameters, inTransaction }
        : { ...template, text, phase, inTransaction }
    }
    return bound ? { ...template, text, phase, parameters } : { ...template, text, phase }
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
    if (known?.version === version && known.scope === key) return known.statement
    const { phase, segment } = circumstances
    const statement = this.#make(analysis, text, {
      phase,
      segment,
      inTransaction: false,
      catalogDirty: false,
    })
    kept[phase] = { version, scope: key, statement }
    return statement
  }

  #make(analysis: Analysis, text: string, circumstances: Circumstances): Statement {
    const { segment, phase } = circumstances
    // A role that changes within the text makes another path of "$user": then every candidate counts.
    const moving = analysis.statements.length > 1 && analysis.statements.some(changesRole)
    const names = this.#catalog.names(moving ? undefined : this.#scope.path)
    const state: Record<string, string> = { ...this.#scope.state() }
    const unsettled = circumstances.catalogDirty || definesFirst(analysis)
    const statement = toStatement(analysis, names, {
      catalogUnknown: unsettled,
      phase,
      text,
      state,
      turned: () => void turning.add(analysis),
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
    return {
      ...statement,
      state,
      mayDeriveFrom: this.#catalog.expand(statement.mayDeriveFrom),
      lineage: expandLineage(statement.lineage ?? [], this.#catalog),
    }
  }
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
