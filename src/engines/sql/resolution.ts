// What one text's statements do, by what their names mean: each operation of the analysis becomes operations on objects
// of the catalog, with those of the code that they run.
import type { Action, ComparedValue, Flag, Lineage, Operation, OutputLineage } from '#model'
import type { RawOperation, RelationName, SqlStatement } from './analysis.ts'
import { Calls } from './calls.ts'
import type { SqlCategory } from './categories.ts'
import { FEW, Gathered, none } from './gathered.ts'
import { resolveCompared, resolveLineage } from './lineage/index.ts'
import type { Names, ResolvedRelation, ResolvedRoutine } from './names.ts'
import { occasionsOf } from './occasions.ts'
import { DEEPEST, joined, ServerCode } from './server-code.ts'
import { withArguments, withOwnCasts, withOwnOperators } from './statement-lineage.ts'
import { hasSystemColumns, isSystemColumn } from './system-columns.ts'
import { type SessionWords, TextNames } from './text-names.ts'

interface Context extends SessionWords {
  readonly bindingRuns?: readonly ResolvedRoutine[]
  turned?(): void
  missing?(name: string): void
  defined?(statement: SqlStatement): void
}

/** What a definition is (row security and the like are `administer`). */
const kept: ReadonlySet<Action> = new Set(['define', 'administer'])

export class Resolution {
  readonly #names: TextNames
  readonly #context: Context
  readonly #found = new Gathered()
  readonly #code: ServerCode
  readonly #calls: Calls
  /** The present statement reads values that a user's code casts, and that code looks at more than them. */
  #castsByCode = false

  constructor(names: Names, context: Context) {
    this.#names = new TextNames(names, context)
    this.#context = context
    this.#code = new ServerCode(this.#names, this.#found, this)
    this.#calls = new Calls(this.#names, this.#found, this.#code)
  }

  get functions(): readonly string[] {
    return [...this.#found.functions]
  }

  operations(multiple: boolean): readonly Operation[] {
    return this.#found.operations(multiple)
  }

  origins(): ReturnType<Gathered['origins']> {
    return this.#found.origins()
  }

  /** What runs before the statement does. True when there is something to decide about it. */
  binding(): boolean {
    for (const routine of this.#context.bindingRuns ?? []) this.#code.own(routine, 'BIND')
    return !this.#found.empty
  }

  add(statement: SqlStatement, depth = 0, shownOnly = false): void {
    const wanted = statement.columnNames === 'all' ? 'all' : new Set(statement.columnNames)
    const whole = this.#calls.attributes(statement)
    for (const each of statement.operations) {
      // A statement that is only a name stands for what it names.
      if (isPlaceholder(each) && (statement.executes ?? statement.fetches) !== undefined) continue
      this.#operation(each, whole ? 'all' : wanted, shownOnly)
      if (statement.returnsRows && each.action === 'write') this.#returning(each)
    }
    for (const name of statement.functions) this.#found.functions.add(name)
    this.#calls.overloads(statement, shownOnly)
    this.#calls.casts(statement)
    if (statement.transaction === undefined) {
      for (const routine of this.#names.now.unasked ?? []) this.#code.own(routine, statement.verb)
    }
    if (statement.executes !== undefined) {
      const { name } = statement.executes
      const found = this.#names.target(statement)
      this.#named(found, name, 'prepared statement', depth, shownOnly || statement.explainOnly)
    }
    if (statement.fetches !== undefined) {
      const { cursor } = statement.fetches
      const found = this.#names.target(statement)
      this.#names.asMeantBy(statement, () => this.#named(found, cursor, 'cursor', depth, shownOnly))
    }
    if (statement.changesCatalog && this.#code.running && !shownOnly)
      this.#context.defined?.(statement)
    this.#follow(statement)
    this.#names.note(statement)
  }

  /** Where its values come from and go, by what names mean where it stands in the text. */
  lineage(statement: SqlStatement): Lineage {
    const { plan, names } = this.#names.planned(statement)
    const lineage = resolveLineage(plan, names)
    const ours = this.#ownOperator(statement) || this.#ownOperator(this.#names.target(statement))
    return ours ? withOwnOperators(lineage) : lineage
  }

  /**
   * What a variable of the session carries, or a warning quotes, comes from statements before: from anything. (An answer of
   * EXPLAIN is made of what its statement reads.)
   */
  heed({ plan, returnsRows, verb }: SqlStatement, { outputs }: Lineage): void {
    // Its code names its tables, and moves what it reads whenever somebody writes, or by itself.
    if (plan.kind === 'unknown' && /^(CREATE TRIGGER|(CREATE|ALTER) EVENT)$/.test(verb))
      this.#found.anything = true
    if (this.#names.now.rules === undefined || !returnsRows || plan.kind === 'explained') return
    const untold = ({ sources, how }: OutputLineage) => how === 'unknown' && sources.length === 0
    if (outputs === 'unknown' || outputs.some(untold)) this.#found.anything = true
  }

  /** An operator that it names may be a user's. */
  #ownOperator(statement: SqlStatement | undefined): boolean {
    const { operators } = this.#names.now
    if (statement === undefined || operators === undefined) return false
    if (this.#context.catalogUnknown === true) return statement.operators.length > 0
    return statement.operators.some(
      name => operators.call(this.#names.now, { schema: undefined, name }).length > 0,
    )
  }

  /** What it compares columns with, when its plan was made with values. */
  compared(statement: SqlStatement): readonly ComparedValue[] | 'unknown' {
    const { plan, names } = this.#names.planned(statement)
    const found = resolveCompared(plan, names)
    return found === 'unknown' ? found : withArguments(found, statement)
  }

  /** What unqualified names mean for the statements that come after this one in the text. */
  #follow(statement: SqlStatement): void {
    for (const { name, value } of statement.settings) {
      if (turnsNames(name) || name === 'all') this.#code.turn(value)
      const identity = name === 'role' || name === 'session_authorization'
      if (this.#code.running && (identity || turnsNames(name))) this.#context.turned?.()
    }
    // Whatever was set may be undone here.
    if (this.#names.pathChanged && statement.transaction !== undefined) this.#code.turn(undefined)
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
    this.#found.anything = true
    const verb = kind === 'cursor' ? 'FETCH' : 'EXECUTE'
    this.#push('execute', verb, { name, kind }, [], ['dynamic'], 'unknown')
  }

  #operation(raw: RawOperation, wanted: ReadonlySet<string> | 'all', shownOnly: boolean): void {
    const milder = shownOnly && (raw.action === 'write' || raw.action === 'define')
    const action = milder ? 'read' : raw.action
    const category = milder ? 'read' : raw.category
    const flags: readonly Flag[] =
      shownOnly && !raw.flags.includes('explain') ? [...raw.flags, 'explain'] : raw.flags
    if (isUnknownAnswer(raw, action)) this.#found.anything = true
    if (flags.includes('dynamic')) this.#found.anything = true
    if (raw.relation === undefined) {
      const object = raw.object ?? { name: '', kind: 'resource' }
      // What code computes without touching anything is not worth a decision.
      if (this.#code.running && isPlaceholder(raw) && category === 'read') return
      if (object.kind === 'function' || object.kind === 'procedure') {
        this.#calls.function({ ...raw, action, object, flags, category }, shownOnly)
      } else {
        // Another name of a schema is one of all that is in it; a domain's checks are of all columns of it.
        if (raw.verb === 'ALTER SCHEMA' || raw.verb === 'ALTER DOMAIN') this.#found.anything = true
        this.#push(action, raw.verb, object, [], flags, category)
        const known =
          object.kind !== 'operator' || this.#calls.operator(object.name, raw.verb, shownOnly)
        if (!known) this.#found.anything = true
      }
      return
    }
    const lost = this.#names.isLost(raw.relation)
    if (lost || this.#names.isShadowed(raw.relation)) this.#found.anything = true
    const resolved = this.#names.now.resolve(raw.relation)
    if (resolved.length === 0 || lost) {
      this.#unresolved(action, raw, raw.relation, lost ? [...flags, 'dynamic'] : flags, category)
    }
    for (const each of resolved) {
      const columns = this.#relationColumns(raw, each)
      const object = { name: each.object, kind: each.kind }
      this.#push(action, raw.verb, object, columns, flags, category)
      // A constraint, a trigger or a cast of a column may quote any value of a row.
      const quotes = action === 'write' || action === 'define'
      this.#found.derive(each, quotes ? 'all' : wanted)
      if (action === 'define') continue
      for (const routine of each.calls ?? []) this.#code.call(routine, raw.verb, flags, shownOnly)
      if (each.valueCalls?.some(routine => !this.#calls.computesOnly(routine)) === true)
        this.#castsByCode = true
      for (const routine of each.ownCode?.(occasionsOf(raw, shownOnly)) ?? []) {
        this.#code.own(routine, raw.verb)
      }
      for (const rule of action === 'write' ? (each.rules ?? []) : []) {
        if (rule.event === raw.verb) this.#code.rule(rule, shownOnly)
      }
    }
  }

  /** Triggers may change what RETURNING shows. */
  #returning(raw: RawOperation): void {
    if (raw.relation === undefined) return
    if (this.#names.now.resolve(raw.relation).some(({ triggers }) => triggers === true)) {
      this.#found.anything = true
    }
  }

  /** A statement's lineage with that of the code that it has run. */
  withCode(statement: SqlStatement, read: Lineage): Lineage {
    const said = this.#saysCastValues(statement)
    const own = said || this.#castsByCode ? withOwnCasts(read, said) : read
    this.#castsByCode = false
    const given = this.#givesCalls(statement)
    const outputs = given || this.#showsCalls(statement) ? 'unknown' : own.outputs
    const code = this.#code.takeFlows()
    const probes = given ? 'unknown' : joined(own.probes, code.probes)
    const transfers = given ? 'unknown' : joined(own.transfers, code.transfers)
    return { outputs, probes, transfers }
  }

  /** Parameters are of types whose casts are code of users. */
  #saysCastValues(statement: SqlStatement): boolean {
    const bound = this.#context.bindingRuns ?? []
    if (bound.some(routine => !this.#calls.computesOnly(routine))) return true
    const prepared = statement.executes === undefined ? undefined : this.#names.target(statement)
    return prepared?.castsTo.some(type => this.#names.now.isPlainType?.(type) !== true) === true
  }

  /** The planner runs a function that says it is constant, and EXPLAIN shows its value. */
  #showsCalls({ plan }: SqlStatement): boolean {
    if (plan.kind !== 'explained') return false
    return this.#found.anything || this.#code.ranOwn || this.#found.executes
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
      castsTo.some(type => this.#names.now.isPlainType?.(type) !== true) ||
      presumedBuiltIn.some(
        name => (this.#names.now.functions?.({ schema: undefined, name }).length ?? 0) > 0,
      )
    )
  }

  #unresolved(
    action: Action,
    raw: RawOperation,
    relation: RelationName,
    flags: readonly Flag[],
    category: SqlCategory,
  ): void {
    const schema =
      relation.schema ?? (action === 'define' ? this.#names.now.creationSchema : undefined)
    const name = schema === undefined ? relation.name : `${schema}.${relation.name}`
    const columns = [...new Set([...raw.qualified, ...raw.columns])]
    const sequence = raw.verb === 'NEXTVAL' || raw.verb === 'SETVAL'
    const kind = sequence ? 'sequence' : 'table'
    this.#push(action, raw.verb, { name, kind }, columns, flags, category)
    // (What the text itself makes is not there yet.)
    if (action !== 'define' && !this.#names.isShadowed(relation)) this.#context.missing?.(name)
    // A relation that is being made holds nothing yet; a sequence holds a number.
    if (action !== 'define' && !sequence) this.#found.anything = true
  }

  /** The columns of the relation that are meant, and what is taken for a column and is none. */
  #relationColumns(raw: RawOperation, relation: ResolvedRelation): readonly string[] {
    if (relation.columns.length === 0) return this.#unknownColumns(raw)
    if (raw.star) return relation.columns
    if (raw.columns.length === 0 && raw.qualified.length === 0) return none
    const few = raw.columns.length + raw.qualified.length <= FEW
    const known = few ? undefined : new Set(relation.columns)
    const { hidden } = relation
    const has = (name: string): boolean =>
      (known?.has(name) ?? relation.columns.includes(name)) || hidden?.includes(name) === true
    const columns: string[] = []
    for (const name of raw.columns) if (has(name)) columns.push(name)
    for (const name of raw.qualified) {
      if (has(name)) columns.push(name)
      else if (this.#names.now.rules !== undefined) columns.push(name)
      else if (!(isSystemColumn(name) && hasSystemColumns(relation.kind)))
        this.#calls.rowFunction(name, raw, relation)
    }
    return columns.length < 2 ? columns : [...new Set(columns)]
  }

  #unknownColumns(raw: RawOperation): readonly string[] {
    this.#found.anything = true
    for (const name of raw.qualified) {
      const overloads = this.#names.now.functions?.({ schema: undefined, name }) ?? []
      if (overloads.length > 0) this.#calls.overload(name, raw.verb)
    }
    return [...new Set([...raw.qualified, ...raw.columns])]
  }

  #push(
    action: Action,
    verb: string,
    object: { readonly name: string; readonly kind: string },
    columns: readonly string[],
    flags: readonly Flag[],
    category: SqlCategory,
  ): void {
    this.#found.add(action, verb, object, columns, this.#code.flagged(flags), category)
  }
}

/** What unqualified names mean hangs on it: PostgreSQL's path, MySQL's default database (USE). */
function turnsNames(setting: string): boolean {
  return setting === 'search_path' || setting === 'database'
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
