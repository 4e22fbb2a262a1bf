// Analysis → the model's Statement: names become objects, as the server would resolve them. Knows the catalog
// through `Names` only; keeps nothing.
import type { Action, ColumnName, Flag, Lineage, Operation, Parameter, Statement } from '#model'
import type { Analysis, RawOperation, RelationName, SqlStatement } from './analysis.ts'
import type { SqlCategory } from './categories.ts'
import { type LineageNames, type Plan, resolveLineage } from './lineage/index.ts'
import { otherFunctions, safeFunctions } from './postgres/catalog-names.ts'
import { isSystemColumn } from './system-columns.ts'

export interface ResolvedRelation {
  /** `schema.table`. */
  readonly object: string
  /** `table`, `view`, ... */
  readonly kind: string
  /** Empty: not known, so names of columns stand as written. */
  readonly columns: readonly string[]
  /** For a view: base columns that its values come from. `all` when that is not known. */
  readonly derivesFrom?: readonly ColumnName[] | 'all'
}

/** Resolves names as the server would, from a snapshot of its catalog. */
export interface Names {
  /** Several when the search path is not known; empty when there is no such relation. */
  resolve(relation: RelationName): readonly ResolvedRelation[]
  /**
   * Functions outside pg_catalog that a call of that name could reach, as `schema.name`. Without it a
   * call of a built-in name is taken for the built-in one, and others are named as written.
   */
  functions?(name: RelationName): readonly string[]
  /** True when a cast to the type runs no code of a user (an enum, a composite). Without it: never. */
  isPlainType?(type: RelationName): boolean
  /**
   * The names as they are once search_path has that value (as `SettingChange.value` has it); undefined: a
   * value that is not known, so every schema counts. Asked when a text changes the path and goes on.
   * Without it unqualified names after such a change are `dynamic`.
   */
  withSearchPath?(path: string | undefined): Names
  /** Where an unqualified new relation is made. */
  readonly creationSchema?: string
}

export interface StatementContext {
  /** Verbatim. */
  readonly text: string
  readonly phase: 'prepare' | 'execute'
  readonly parameters?: readonly Parameter[]
  readonly state?: { readonly [name: string]: string }
  readonly inTransaction?: boolean
  /** What `Names` says of relations may have changed: where their values come from and go is unknown. */
  readonly catalogUnknown?: boolean
  /** The statement that PREPARE (or Parse) gave the name; undefined when there is none. */
  prepared?(name: string): SqlStatement | undefined
  /** The query of an open cursor; undefined when there is none. */
  cursor?(name: string): SqlStatement | undefined
}

/** What a principal asks with the text. Names that cannot be resolved stand as written. */
export function toStatement(
  analysis: Analysis,
  names: Names,
  context: StatementContext,
): Statement {
  const builder = new Builder(names, context)
  const lineage: Lineage[] = []
  for (const statement of analysis.statements) {
    lineage.push(builder.lineage(statement))
    builder.add(statement)
  }
  const { text, phase, parameters, state, inTransaction } = context
  return {
    text,
    operations: builder.operations(analysis.statements.length > 1),
    functions: [...builder.functions],
    phase,
    ...(parameters === undefined ? {} : { parameters }),
    ...(state === undefined ? {} : { state }),
    mayDeriveFrom: builder.origins(),
    lineage,
    ...(inTransaction === undefined ? {} : { inTransaction }),
  }
}

/** Of what an answer can be made without a catalog knowing it. */
const unknownAnswers: ReadonlySet<Action> = new Set(['execute', 'administer'])
/** EXECUTE of an EXECUTE of ...: the server has no such thing, a text may try. */
const DEEPEST = 8
/** Up to here looking through a list beats making a set. */
const FEW = 16
const none: readonly string[] = []

class Builder {
  readonly functions = new Set<string>()
  #names: Names
  /** True once the path has changed in this text, and `Names` cannot follow. */
  #lost = false
  #pathChanged = false
  readonly #shadowed = new Set<string>()
  readonly #context: StatementContext
  readonly #operations: Operation[] = []
  readonly #columns = new Map<string, Set<string>>()
  readonly #prepared = new Map<string, SqlStatement>()
  readonly #cursors = new Map<string, SqlStatement>()
  readonly #seen = new Set<string>()
  #anything = false

  constructor(names: Names, context: StatementContext) {
    this.#names = names
    this.#context = context
  }

  add(statement: SqlStatement, depth = 0, shownOnly = false): void {
    const wanted = statement.columnNames === 'all' ? 'all' : new Set(statement.columnNames)
    const whole = this.#attributes(statement)
    for (const each of statement.operations) {
      // A statement that is only a name stands for what it names.
      if (isPlaceholder(each) && (statement.executes ?? statement.fetches) !== undefined) continue
      this.#operation(each, whole ? 'all' : wanted, shownOnly)
    }
    for (const name of statement.functions) this.functions.add(name)
    this.#overloads(statement)
    this.#casts(statement)
    if (statement.executes !== undefined) {
      const { name } = statement.executes
      const found = this.#target(statement)
      this.#named(found, name, 'prepared statement', depth, shownOnly || statement.explainOnly)
    }
    if (statement.fetches !== undefined) {
      const { cursor } = statement.fetches
      const found = this.#target(statement)
      this.#named(found, cursor, 'cursor', depth, shownOnly)
    }
    this.#follow(statement)
    // Later statements of the same text may use what this one names.
    const { prepares, declares } = statement
    if (prepares !== undefined) this.#prepared.set(prepares.name, prepares.statement)
    if (declares !== undefined) this.#cursors.set(declares.cursor, declares.statement)
  }

  /** Where its values come from and go, by what names mean where it stands in the text. */
  lineage(statement: SqlStatement): Lineage {
    return resolveLineage(this.#settled(statement, 0), this.#lineageNames())
  }

  /** The plan, with those of the statements that it names in their place. */
  #settled(statement: SqlStatement, depth: number): Plan {
    const put = (plan: Plan): Plan => {
      if (plan.kind === 'explained' || plan.kind === 'kept')
        return { ...plan, plan: put(plan.plan) }
      if (plan.kind !== 'named') return plan
      const found = this.#target(statement)
      return found === undefined || depth >= DEEPEST
        ? { kind: 'unknown' }
        : this.#settled(found, depth + 1)
    }
    return put(statement.plan)
  }

  /** What EXECUTE or FETCH stands for. */
  #target({ executes, fetches }: SqlStatement): SqlStatement | undefined {
    if (executes !== undefined)
      return this.#prepared.get(executes.name) ?? this.#context.prepared?.(executes.name)
    if (fetches === undefined) return undefined
    return this.#cursors.get(fetches.cursor) ?? this.#context.cursor?.(fetches.cursor)
  }

  #lineageNames(): LineageNames {
    const names = this.#names
    return {
      relations: name => {
        const hidden = name.schema === undefined && (this.#lost || this.#shadowed.has(name.name))
        return hidden || this.#context.catalogUnknown === true ? undefined : names.resolve(name)
      },
      overloaded: name => (names.functions?.(name).length ?? 0) > 0,
      isSafeFunction: name => safeFunctions.has(name),
      isOtherFunction: name => otherFunctions.has(name),
      isPlainType: type => names.isPlainType?.(type) === true,
      isSystemColumn,
    }
  }

  /** What unqualified names mean for the statements that come after this one in the text. */
  #follow(statement: SqlStatement): void {
    for (const name of statement.shadows) this.#shadowed.add(name)
    for (const each of statement.operations) {
      if (each.action === 'define' && each.relation !== undefined)
        this.#shadowed.add(each.relation.name)
    }
    for (const { name, value } of statement.settings) {
      if (name === 'search_path' || name === 'all') this.#turn(value)
    }
    // Whatever was set may be undone here.
    if (this.#pathChanged && statement.transaction !== undefined) this.#turn(undefined)
  }

  #turn(path: string | undefined): void {
    this.#pathChanged = true
    const names = this.#names.withSearchPath?.(path)
    if (names === undefined) this.#lost = true
    else this.#names = names
  }

  operations(multiple: boolean): readonly Operation[] {
    if (this.#operations.length === 0) {
      this.#push('connect', 'EMPTY', { name: '', kind: 'resource' }, [], [], 'read')
    }
    if (!multiple) return this.#operations
    return this.#operations.map(each => ({ ...each, flags: [...each.flags, 'multiple'] }))
  }

  origins(): readonly ColumnName[] | 'all' {
    if (this.#anything) return 'all'
    const origins: ColumnName[] = []
    for (const [object, columns] of this.#columns) {
      for (const column of columns) origins.push({ object, column })
    }
    return origins
  }

  #named(
    found: SqlStatement | undefined,
    name: string,
    kind: string,
    depth: number,
    shownOnly: boolean,
  ): void {
    if (found !== undefined && depth < DEEPEST) {
      this.add(found, depth + 1, shownOnly)
      return
    }
    this.#anything = true
    const verb = kind === 'cursor' ? 'FETCH' : 'EXECUTE'
    this.#push('execute', verb, { name, kind }, [], ['dynamic'], 'unknown')
  }

  #operation(raw: RawOperation, wanted: ReadonlySet<string> | 'all', shownOnly: boolean): void {
    const milder = shownOnly && (raw.action === 'write' || raw.action === 'define')
    const action = milder ? 'read' : raw.action
    const category = milder ? 'read' : raw.category
    const flags: readonly Flag[] =
      shownOnly && !raw.flags.includes('explain') ? [...raw.flags, 'explain'] : raw.flags
    if (unknownAnswers.has(action) && (raw.relation !== undefined || action === 'execute')) {
      this.#anything = true
    }
    if (flags.includes('dynamic')) this.#anything = true
    if (raw.relation === undefined) {
      const object = raw.object ?? { name: '', kind: 'resource' }
      if (object.kind === 'function') this.#function(action, raw.verb, object.name, flags, category)
      else this.#push(action, raw.verb, object, [], flags, category)
      return
    }
    const { schema, name } = raw.relation
    const lost = this.#lost && schema === undefined
    if (lost || (schema === undefined && this.#shadowed.has(name))) this.#anything = true
    const resolved = this.#names.resolve(raw.relation)
    if (resolved.length === 0 || lost) {
      this.#unresolved(action, raw, raw.relation, lost ? [...flags, 'dynamic'] : flags, category)
    }
    for (const each of resolved) {
      const columns = this.#relationColumns(raw, each)
      const object = { name: each.object, kind: each.kind }
      this.#push(action, raw.verb, object, columns, flags, category)
      if (action !== 'define') this.#derive(each, wanted)
    }
  }

  #unresolved(
    action: Action,
    raw: RawOperation,
    relation: RelationName,
    flags: readonly Flag[],
    category: SqlCategory,
  ): void {
    const schema = relation.schema ?? (action === 'define' ? this.#names.creationSchema : undefined)
    const name = schema === undefined ? relation.name : `${schema}.${relation.name}`
    const columns = [...new Set([...raw.qualified, ...raw.columns])]
    const sequence = raw.verb === 'NEXTVAL' || raw.verb === 'SETVAL'
    const kind = sequence ? 'sequence' : 'table'
    this.#push(action, raw.verb, { name, kind }, columns, flags, category)
    // A relation that is being made holds nothing yet; a sequence holds a number.
    if (action !== 'define' && !sequence) this.#anything = true
  }

  /** The columns of the relation that are meant, and what is taken for a column and is none. */
  #relationColumns(raw: RawOperation, relation: ResolvedRelation): readonly string[] {
    if (relation.columns.length === 0) return this.#unknownColumns(raw)
    if (raw.star) return relation.columns
    if (raw.columns.length === 0 && raw.qualified.length === 0) return none
    const few = raw.columns.length + raw.qualified.length <= FEW
    const known = few ? undefined : new Set(relation.columns)
    const has = (name: string) => known?.has(name) ?? relation.columns.includes(name)
    const columns: string[] = []
    for (const name of raw.columns) if (has(name)) columns.push(name)
    for (const name of raw.qualified) {
      if (has(name)) columns.push(name)
      else if (!isSystemColumn(name)) this.#rowFunction(name, raw, relation)
    }
    return columns.length < 2 ? columns : [...new Set(columns)]
  }

  #unknownColumns(raw: RawOperation): readonly string[] {
    this.#anything = true
    for (const name of raw.qualified) {
      const overloads = this.#names.functions?.({ schema: undefined, name }) ?? []
      if (overloads.length > 0) this.#function('execute', raw.verb, name, [], 'unknown')
    }
    return [...new Set([...raw.qualified, ...raw.columns])]
  }

  /** `c.name` without such a column is `name(c)`: a function of the whole row. */
  #rowFunction(name: string, raw: RawOperation, relation: ResolvedRelation): void {
    this.#derive(relation, 'all')
    this.#anything = true
    const overloads = this.#names.functions?.({ schema: undefined, name }) ?? []
    if (overloads.length === 0 && safeFunctions.has(name)) return
    this.#function('execute', raw.verb, name, [], 'unknown')
  }

  #derive(relation: ResolvedRelation, wanted: ReadonlySet<string> | 'all'): void {
    const { object, columns, derivesFrom } = relation
    this.#remember(object, wanted === 'all' ? columns : wantedColumns(columns, wanted))
    if (derivesFrom === 'all') this.#anything = true
    else if (derivesFrom !== undefined) {
      for (const each of derivesFrom) this.#remember(each.object, [each.column])
    }
  }

  #remember(object: string, names: readonly string[]): void {
    if (names.length === 0) return
    let columns = this.#columns.get(object)
    if (columns === undefined) {
      columns = new Set()
      this.#columns.set(object, columns)
    }
    for (const name of names) columns.add(name)
  }

  #function(
    action: Action,
    verb: string,
    written: string,
    flags: readonly Flag[],
    category: SqlCategory,
  ): void {
    this.#anything = true
    const dot = written.lastIndexOf('.')
    const schema = dot === -1 ? undefined : written.slice(0, dot)
    const name = written.slice(dot + 1)
    const found = schema === 'pg_catalog' ? [] : (this.#names.functions?.({ schema, name }) ?? [])
    for (const each of found.length === 0 ? [written] : found) {
      this.#push(action, verb, { name: each, kind: 'function' }, [], flags, category)
    }
  }

  /** A function of a user that has a built-in one's name may be the better match for the arguments. */
  #overloads(statement: SqlStatement): void {
    if (this.#names.functions === undefined) return
    for (const name of statement.presumedBuiltIn) {
      for (const each of this.#names.functions({ schema: undefined, name })) {
        this.#anything = true
        this.#push('execute', statement.verb, { name: each, kind: 'function' }, [], [], 'unknown')
      }
    }
  }

  /** True when an attribute may be a function of a whole row. */
  #attributes(statement: SqlStatement): boolean {
    let whole = false
    for (const name of statement.attributes) {
      for (const each of this.#names.functions?.({ schema: undefined, name }) ?? []) {
        whole = true
        this.#anything = true
        this.#push('execute', statement.verb, { name: each, kind: 'function' }, [], [], 'unknown')
      }
    }
    return whole
  }

  #casts(statement: SqlStatement): void {
    for (const type of statement.castsTo) {
      if (this.#names.isPlainType?.(type) === true) continue
      const name = type.schema === undefined ? type.name : `${type.schema}.${type.name}`
      this.#anything = true
      this.#push('execute', statement.verb, { name, kind: 'type' }, [], [], 'unknown')
    }
  }

  #push(
    action: Action,
    verb: string,
    object: { readonly name: string; readonly kind: string },
    columns: readonly string[],
    flags: readonly Flag[],
    category: SqlCategory,
  ): void {
    const operation = { action, verb, object, columns, flags, category }
    if (this.#operations.length > 0) {
      const key = keyOf(operation)
      const first = this.#operations[0]
      if (this.#seen.size === 0 && first !== undefined) this.#seen.add(keyOf(first))
      if (this.#seen.has(key)) return
      this.#seen.add(key)
    }
    this.#operations.push(operation)
  }
}

function keyOf({ action, verb, object, columns, flags, category }: Operation): string {
  return JSON.stringify([action, verb, object.kind, object.name, columns, flags, category])
}

function wantedColumns(columns: readonly string[], wanted: ReadonlySet<string>): readonly string[] {
  if (wanted.size === 0) return none
  if (wanted.size > FEW) return columns.filter(column => wanted.has(column))
  return [...wanted].filter(name => columns.includes(name))
}

function isPlaceholder(raw: RawOperation): boolean {
  return raw.action === 'connect' && raw.relation === undefined && raw.object === undefined
}
