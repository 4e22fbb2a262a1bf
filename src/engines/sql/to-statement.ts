// Analysis → the model's Statement: names become objects, as the server would resolve them. Knows the catalog
// through `Names` only; keeps nothing.
import type {
  Action,
  ColumnName,
  ComparedValue,
  Flag,
  Lineage,
  Operation,
  Parameter,
  Statement,
} from '#model'
import type { Analysis, RawOperation, RelationName, SqlStatement } from './analysis.ts'
import type { SqlCategory } from './categories.ts'
import { type LineageNames, type Plan, resolveCompared, resolveLineage } from './lineage/index.ts'
import type { Names, ResolvedRelation, ResolvedRoutine, ResolvedRule } from './names.ts'
import { occasionsOf } from './occasions.ts'
import type { Code } from './postgres/bodies.ts'
import { safeFunctions } from './postgres/catalog-names.ts'
import {
  lineageNames,
  settledPlan,
  unsaid,
  withArguments,
  withOwnOperators,
} from './statement-lineage.ts'
import { hasSystemColumns, isSystemColumn } from './system-columns.ts'

export interface StatementContext {
  /** Verbatim. */
  readonly text: string
  readonly phase: 'prepare' | 'execute'
  readonly parameters?: readonly Parameter[]
  readonly state?: { readonly [name: string]: string }
  readonly inTransaction?: boolean
  /** What `Names` says of relations may have changed: where their values come from and go is unknown. */
  readonly catalogUnknown?: boolean
  /** What runs when its parameters are bound: the checks of domains that they are declared to be of. */
  readonly bindingRuns?: readonly ResolvedRoutine[]
  /** The statement that PREPARE (or Parse) gave the name; undefined when there is none. */
  prepared?(name: string): SqlStatement | undefined
  /** The query of an open cursor; undefined when there is none. */
  cursor?(name: string): SqlStatement | undefined
  /** Called when code that the text runs changes what names mean, or whose rights count, for the rest of the session. */
  turned?(): void
}

/** What a principal asks with the text. Names that cannot be resolved stand as written. */
export function toStatement(
  analysis: Analysis,
  names: Names,
  context: StatementContext,
): Statement {
  const builder = new Builder(names, context)
  const lineage: Lineage[] = []
  const bound = builder.binding()
  for (const statement of analysis.statements) {
    const own = builder.lineage(statement)
    builder.add(statement)
    lineage.push(builder.withCode(statement, own))
  }
  const { text, phase, parameters, state, inTransaction } = context
  return {
    text,
    operations: builder.operations(analysis.statements.length > 1),
    functions: [...builder.functions],
    // A Bind is not judged: what it runs is to be approved before.
    phase: bound ? 'execute' : phase,
    ...(parameters === undefined ? {} : { parameters }),
    ...(state === undefined ? {} : { state }),
    mayDeriveFrom: builder.origins(),
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
  const builder = new Builder(names, context)
  const all: ComparedValue[] = []
  for (const statement of analysis.statements) {
    const found = builder.compared(statement)
    if (found === 'unknown') return found
    all.push(...found)
    builder.add(statement)
  }
  return all
}

/** EXECUTE of an EXECUTE of ...: the server has no such thing, a text may try. */
const DEEPEST = 8
/** Up to here looking through a list beats making a set. */
const FEW = 16
const none: readonly string[] = []
/** What a definition is (row security and the like are `administer`). */
const kept: ReadonlySet<Action> = new Set(['define', 'administer'])
/** Characters of code on the server that one text makes us look into. */
const MOST_CODE = 65_536
/** Names in what the server itself spells out are qualified. */
const QUALIFIED = 'pg_catalog'

/** In which code an operation is found. */
interface Inside {
  readonly depth: number
  readonly flags: readonly Flag[]
  /** A relation's own, not called by who asks: what it does is to be permitted, that it is called is not. */
  readonly own: boolean
}
const TOP: Inside = { depth: 0, flags: [], own: false }

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
  /** With what names meant when it was made: it reads these relations whatever they mean later. */
  readonly #cursors = new Map<string, { readonly statement: SqlStatement; readonly names: Names }>()
  /** What names mean where the text begins: also to cursors that were there before it. */
  readonly #first: Names
  readonly #seen = new Set<string>()
  #anything = false
  #ranOwn = false
  #inside = TOP
  /** Of the code that the present statement has run. */
  #probes: Lineage['probes'] = []
  #transfers: Lineage['transfers'] = []
  #codeLeft = MOST_CODE
  /** Code that was looked into, by the rights that it runs with: it says the same again. */
  readonly #lookedInto = new Map<string, Set<ResolvedRoutine | ResolvedRule>>()

  constructor(names: Names, context: StatementContext) {
    this.#names = this.#first = names
    this.#context = context
  }

  add(statement: SqlStatement, depth = 0, shownOnly = false): void {
    const wanted = statement.columnNames === 'all' ? 'all' : new Set(statement.columnNames)
    const whole = this.#attributes(statement)
    for (const each of statement.operations) {
      // A statement that is only a name stands for what it names.
      if (isPlaceholder(each) && (statement.executes ?? statement.fetches) !== undefined) continue
      this.#operation(each, whole ? 'all' : wanted, shownOnly)
      if (statement.returnsRows && each.action === 'write') this.#returning(each)
    }
    for (const name of statement.functions) this.functions.add(name)
    this.#overloads(statement, shownOnly)
    this.#casts(statement)
    if (statement.transaction === undefined) {
      for (const routine of this.#names.unasked ?? []) this.#ownRoutine(routine, statement.verb)
    }
    if (statement.executes !== undefined) {
      const { name } = statement.executes
      const found = this.#target(statement)
      this.#named(found, name, 'prepared statement', depth, shownOnly || statement.explainOnly)
    }
    if (statement.fetches !== undefined) {
      const { cursor } = statement.fetches
      const found = this.#target(statement)
      const now = this.#names
      this.#names = this.#meantBy(statement)
      this.#named(found, cursor, 'cursor', depth, shownOnly)
      this.#names = now
    }
    this.#follow(statement)
    // Later statements of the same text may use what this one names.
    const { prepares, declares } = statement
    if (prepares !== undefined) this.#prepared.set(prepares.name, prepares.statement)
    if (declares !== undefined) {
      this.#cursors.set(declares.cursor, { statement: declares.statement, names: this.#names })
    }
  }

  /** Where its values come from and go, by what names mean where it stands in the text. */
  lineage(statement: SqlStatement): Lineage {
    const lineage = resolveLineage(this.#plan(statement), this.#lineageNames(statement))
    const ours = this.#ownOperator(statement) || this.#ownOperator(this.#target(statement))
    return ours ? withOwnOperators(lineage) : lineage
  }

  /** An operator that it names may be a user's. */
  #ownOperator(statement: SqlStatement | undefined): boolean {
    const { operators } = this.#names
    if (statement === undefined || operators === undefined) return false
    return statement.operators.some(
      name => operators.call(this.#names, { schema: undefined, name }).length > 0,
    )
  }

  /** What it compares columns with, when its plan was made with values. */
  compared(statement: SqlStatement): readonly ComparedValue[] | 'unknown' {
    const found = resolveCompared(this.#plan(statement), this.#lineageNames(statement))
    return found === 'unknown' ? found : withArguments(found, statement)
  }

  #plan(statement: SqlStatement): Plan {
    return settledPlan(statement, named => this.#target(named))
  }

  /** What EXECUTE or FETCH stands for. */
  #target({ executes, fetches }: SqlStatement): SqlStatement | undefined {
    if (executes !== undefined)
      return this.#prepared.get(executes.name) ?? this.#context.prepared?.(executes.name)
    if (fetches === undefined) return undefined
    return this.#cursors.get(fetches.cursor)?.statement ?? this.#context.cursor?.(fetches.cursor)
  }

  /** What names mean to a statement: FETCH reads what its cursor was made over. */
  #meantBy({ fetches }: SqlStatement): Names {
    if (fetches === undefined) return this.#names
    return this.#cursors.get(fetches.cursor)?.names ?? this.#first
  }

  #lineageNames(statement: SqlStatement): LineageNames {
    const isHidden = (name: string): boolean => this.#lost || this.#shadowed.has(name)
    return lineageNames(this.#meantBy(statement), isHidden, this.#context.catalogUnknown === true)
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
      const identity = name === 'role' || name === 'session_authorization'
      if (this.#inside.depth > 0 && (identity || name === 'search_path')) this.#context.turned?.()
    }
    // Whatever was set may be undone here.
    if (this.#pathChanged && statement.transaction !== undefined) this.#turn(undefined)
  }

  #turn(path: string | undefined): void {
    this.#pathChanged = true
    this.#lookedInto.clear()
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
    if (isUnknownAnswer(raw, action)) this.#anything = true
    if (flags.includes('dynamic')) this.#anything = true
    if (raw.relation === undefined) {
      const object = raw.object ?? { name: '', kind: 'resource' }
      // What code computes without touching anything is not worth a decision.
      if (this.#inside.depth > 0 && isPlaceholder(raw) && category === 'read') return
      if (object.kind === 'function' || object.kind === 'procedure') {
        this.#function({ ...raw, action, object, flags, category }, shownOnly)
      } else {
        // Another name of a schema is one of all that is in it.
        if (raw.verb === 'ALTER SCHEMA') this.#anything = true
        this.#push(action, raw.verb, object, [], flags, category)
        const known = object.kind !== 'operator' || this.#operator(object.name, raw.verb, shownOnly)
        if (!known) this.#anything = true
      }
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
      // A constraint, a trigger or a cast of a column may quote any value of a row.
      const quotes = action === 'write' || action === 'define'
      this.#derive(each, quotes ? 'all' : wanted)
      if (action === 'define') continue
      for (const routine of each.calls ?? []) this.#routine(routine, raw.verb, flags, shownOnly)
      for (const routine of each.ownCode?.(occasionsOf(raw, shownOnly)) ?? []) {
        this.#ownRoutine(routine, raw.verb)
      }
      for (const rule of action === 'write' ? (each.rules ?? []) : []) {
        if (rule.event === raw.verb) this.#lookInto(rule, rulesRun, QUALIFIED, shownOnly)
      }
    }
  }

  /** Triggers may change what RETURNING shows. */
  #returning(raw: RawOperation): void {
    if (raw.relation === undefined) return
    if (this.#names.resolve(raw.relation).some(({ triggers }) => triggers === true)) {
      this.#anything = true
    }
  }

  /** What runs before the statement does. True when there is something to decide about it. */
  binding(): boolean {
    for (const routine of this.#context.bindingRuns ?? []) this.#ownRoutine(routine, 'BIND')
    return this.#operations.length > 0
  }

  /**
   * What a relation runs by its own definition: what its code does. Where that cannot be told it is a call like another one.
   * (The planner runs it in earnest: nothing of it is only shown.)
   */
  #ownRoutine(routine: ResolvedRoutine, verb: string): void {
    const definer: readonly Flag[] = routine.definer ? ['indirect', 'definer'] : ['indirect']
    this.functions.add(routine.object)
    this.#ranOwn = true
    const known = this.#lookInto(routine, definer, routine.path, false, true)
    if (known === 'all') return
    const object = { name: routine.object, kind: 'function' }
    const category = known === 'some' ? 'code' : 'unknown'
    this.#push('execute', verb, object, [], ['dynamic', 'indirect'], category)
    this.#anything = true
  }

  /** A call of a function of a user: the function, and what its code does. */
  #routine(
    routine: ResolvedRoutine,
    verb: string,
    flags: readonly Flag[],
    shownOnly: boolean,
    kind = 'function',
    category: SqlCategory = 'unknown',
  ): void {
    const definer: readonly Flag[] = routine.definer ? ['indirect', 'definer'] : ['indirect']
    const known = this.#lookInto(routine, definer, routine.path, shownOnly)
    const object = { name: routine.object, kind }
    if (this.#inside.own) this.functions.add(routine.object)
    if (known === 'all' && this.#inside.own) return
    if (known === 'all') this.#push('execute', verb, object, [], flags, 'code')
    else {
      const dynamic = flags.includes('dynamic') ? flags : [...flags, 'dynamic' as const]
      this.#push('execute', verb, object, [], dynamic, known === 'some' ? 'code' : category)
      this.#anything = true
    }
  }

  /** Adds what code on the server does; how much of it could be told. */
  #lookInto(
    code: ResolvedRoutine | ResolvedRule,
    flags: readonly Flag[],
    path: string | undefined,
    shownOnly: boolean,
    own = false,
  ): 'all' | 'some' | 'nothing' {
    const outer = this.#inside
    const inside = {
      depth: outer.depth + 1,
      flags: [...new Set([...outer.flags, ...flags])],
      own: own || outer.own,
    }
    const key = `${inside.flags.join(' ')} ${inside.own} ${shownOnly}`
    let seen = this.#lookedInto.get(key)
    if (seen === undefined) {
      seen = new Set()
      this.#lookedInto.set(key, seen)
    }
    const again = seen.has(code)
    if (!again) this.#codeLeft -= code.size
    const found = inside.depth > DEEPEST || this.#codeLeft < 0 ? 'unknown' : code.code()
    if (found === 'unknown') {
      this.#anything = true
      return 'nothing'
    }
    if (!again) {
      seen.add(code)
      this.#runCode(found, inside, path, shownOnly)
    }
    if (found.dynamic) this.#anything = true
    return found.dynamic ? 'some' : 'all'
  }

  #runCode(code: Code, inside: Inside, path: string | undefined, shownOnly: boolean): void {
    const outer = this.#inside
    const [names, lost] = [this.#names, this.#lost]
    this.#inside = inside
    if (path !== undefined) {
      const own = names.withSearchPath?.(path)
      if (own === undefined) this.#lost = true
      else this.#names = own
    }
    for (const statement of code.statements) {
      // (Where its own code puts values a relation's owner has said, as a view's owner says what it shows.)
      if (!inside.own && touchesRows(statement)) this.#flows(statement, code)
      this.add(statement, inside.depth, shownOnly)
    }
    this.#inside = outer
    if (path === undefined) return
    this.#names = names
    this.#lost = lost
    // A SET in the code outlives the function's own setting.
    const sets = code.statements.some(({ settings }) =>
      settings.some(({ name }) => name === 'search_path' || name === 'all'),
    )
    if (sets) this.#turn(undefined)
  }

  /** What a statement of code asks of columns and makes of their values. */
  #flows(statement: SqlStatement, code: Code): void {
    const { probes, transfers } = this.lineage(statement)
    // Through variables values go from any statement of the code to any other.
    const gives = code.variables && writes(statement) ? 'unknown' : transfers
    // (With which values it compares, the text does not say.)
    const asked = probes === 'unknown' ? probes : probes.map(unsaid)
    this.#probes = joined(this.#probes, code.variables ? 'unknown' : asked)
    this.#transfers = joined(this.#transfers, gives)
  }

  /** A statement's lineage with that of the code that it has run. */
  withCode(statement: SqlStatement, own: Lineage): Lineage {
    const given = this.#givesCalls(statement)
    const outputs = given || this.#showsCalls(statement) ? 'unknown' : own.outputs
    const probes = given ? 'unknown' : joined(own.probes, this.#probes)
    const transfers = given ? 'unknown' : joined(own.transfers, this.#transfers)
    this.#probes = []
    this.#transfers = []
    return { outputs, probes, transfers }
  }

  /** The planner runs a function that says it is constant, and EXPLAIN shows its value. */
  #showsCalls({ plan }: SqlStatement): boolean {
    if (plan.kind !== 'explained') return false
    return (
      this.#anything || this.#ranOwn || this.#operations.some(({ action }) => action === 'execute')
    )
  }

  /**
   * EXECUTE hands the values of its arguments to parameters, which count as constants elsewhere. A definition (a default,
   * a check, a policy) calls again whenever somebody writes or reads. A view's columns are asked of the catalog.
   */
  #givesCalls({ executes, operations, castsTo, presumedBuiltIn, verb }: SqlStatement): boolean {
    const defines = verb !== 'CREATE VIEW' && operations.some(({ action }) => kept.has(action))
    if (executes === undefined && !defines) return false
    return (
      operations.some(({ action }) => action === 'execute') ||
      castsTo.some(type => this.#names.isPlainType?.(type) !== true) ||
      presumedBuiltIn.some(
        name => (this.#names.functions?.({ schema: undefined, name }).length ?? 0) > 0,
      )
    )
  }

  /** False when no function of a user that can be read is behind it. */
  #operator(written: string, verb: string, shownOnly: boolean): boolean {
    const dot = written.lastIndexOf('.')
    const schema = dot === -1 ? undefined : written.slice(0, dot)
    const found = this.#names.operators?.({ schema, name: written.slice(dot + 1) }) ?? []
    for (const each of found) this.#routine(each, verb, [], shownOnly)
    return found.length > 0
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
      else if (!(isSystemColumn(name) && hasSystemColumns(relation.kind)))
        this.#rowFunction(name, raw, relation)
    }
    return columns.length < 2 ? columns : [...new Set(columns)]
  }

  #unknownColumns(raw: RawOperation): readonly string[] {
    this.#anything = true
    for (const name of raw.qualified) {
      const overloads = this.#names.functions?.({ schema: undefined, name }) ?? []
      if (overloads.length > 0) this.#overload(name, raw.verb)
    }
    return [...new Set([...raw.qualified, ...raw.columns])]
  }

  /** `c.name` without such a column is `name(c)`: a function of the whole row. */
  #rowFunction(name: string, raw: RawOperation, relation: ResolvedRelation): void {
    this.#derive(relation, 'all')
    this.#anything = true
    const overloads = this.#names.functions?.({ schema: undefined, name }) ?? []
    if (overloads.length > 0) this.#overload(name, raw.verb)
    else if (!safeFunctions.has(name)) {
      this.#push('execute', raw.verb, { name, kind: 'function' }, [], [], 'unknown')
    }
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

  #function(raw: RawOperation & { readonly object: ObjectName }, shownOnly: boolean): void {
    const { action, verb, object, flags, category } = raw
    const dot = object.name.lastIndexOf('.')
    const schema = dot === -1 ? undefined : object.name.slice(0, dot)
    const name = { schema, name: object.name.slice(dot + 1) }
    const routines = schema === 'pg_catalog' ? [] : this.#routines(name)
    for (const each of routines) {
      this.#routine(each, verb, flags, shownOnly, object.kind, category)
    }
    if (routines.length > 0) return
    // What a setting says is at hand to any expression of a definition.
    if (this.#inside.own && object.name === 'pg_catalog.current_setting') return
    this.#anything = true
    this.#push(action, verb, object, [], flags, category)
  }

  #routines(name: RelationName): readonly ResolvedRoutine[] {
    const names = this.#names
    if (names.routines !== undefined) return names.routines(name)
    return (names.functions?.(name) ?? []).map(object => ({
      object,
      definer: false,
      size: 0,
      code: () => 'unknown' as const,
    }))
  }

  /** A function of a user that has a built-in one's name may be the better match for the arguments. */
  #overloads(statement: SqlStatement, shownOnly: boolean): void {
    for (const name of statement.presumedBuiltIn) this.#overload(name, statement.verb, shownOnly)
    for (const name of statement.operators) this.#operator(name, statement.verb, shownOnly)
  }

  #overload(name: string, verb: string, shownOnly = false): boolean {
    const routines = this.#routines({ schema: undefined, name })
    for (const each of routines) this.#routine(each, verb, [], shownOnly)
    return routines.length > 0
  }

  /** True when an attribute may be a function of a whole row. */
  #attributes(statement: SqlStatement): boolean {
    let whole = false
    for (const name of statement.attributes) {
      if (this.#overload(name, statement.verb)) whole = true
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
    const all =
      this.#inside.flags.length === 0 ? flags : [...new Set([...flags, ...this.#inside.flags])]
    const operation = { action, verb, object, columns, flags: all, category }
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

interface ObjectName {
  readonly name: string
  readonly kind: string
}

function touchesRows({ operations }: SqlStatement): boolean {
  return operations.some(({ relation, action }) => relation !== undefined || action === 'execute')
}

function writes({ operations }: SqlStatement): boolean {
  return operations.some(({ action }) => action !== 'read' && action !== 'connect')
}

function joined<T>(one: readonly T[] | 'unknown', other: readonly T[] | 'unknown') {
  if (one === 'unknown' || other === 'unknown') return 'unknown'
  if (one.length === 0) return other
  return other.length === 0 ? one : [...one, ...other]
}

/** A rule's actions run with the rights of the table's owner. */
const rulesRun: readonly Flag[] = ['indirect', 'definer']

function keyOf({ action, verb, object, columns, flags, category }: Operation): string {
  return JSON.stringify([action, verb, object.kind, object.name, columns, flags, category])
}

function wantedColumns(columns: readonly string[], wanted: ReadonlySet<string>): readonly string[] {
  if (wanted.size === 0) return none
  if (wanted.size > FEW) return columns.filter(column => wanted.has(column))
  return [...wanted].filter(name => columns.includes(name))
}

/** Of what an answer can be made without a catalog knowing it. Of functions their code may tell. */
function isUnknownAnswer({ relation, object }: RawOperation, action: Action): boolean {
  if (action === 'administer') return relation !== undefined
  const kind = object?.kind
  return action === 'execute' && kind !== 'function' && kind !== 'procedure' && kind !== 'operator'
}

function isPlaceholder(raw: RawOperation): boolean {
  return raw.action === 'connect' && raw.relation === undefined && raw.object === undefined
}
