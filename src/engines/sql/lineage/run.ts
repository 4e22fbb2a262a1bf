// One plan while it is being resolved: the catalog's names, the work left, what was found so far.
import type { ColumnName } from '#model'
import type { RelationName } from '../analysis.ts'
import { evaluate } from './expressions.ts'
import { Findings } from './findings.ts'
import { itemOf } from './from.ts'
import type { Condition, Expression, FromItem, Query } from './plan.ts'
import { rowOf } from './queries.ts'
import { Row } from './row.ts'
import type { NameRules } from './rules.ts'
import type { Place, Scope } from './scope.ts'
import { CONSTANT, either, Fuel, type Value } from './value.ts'

/** What the resolver must know of the server; a dialect and a catalog answer. */
export interface LineageNames {
  /** What a name may mean; undefined when that cannot be told. */
  relations(name: RelationName): readonly NamedRelation[] | undefined
  /** True when a call of that name may reach a user's function. */
  overloaded(name: RelationName): boolean
  /** A built-in function without effect, that reads no table by name. */
  isSafeFunction(name: string): boolean
  /** A built-in function of another kind. */
  isOtherFunction(name: string): boolean
  /** A cast to it runs no code of a user. */
  isPlainType(type: RelationName): boolean
  /** Columns that every table has, and that tell nothing of its values. */
  isSystemColumn(name: string): boolean
  /** What names mean where that is not as in PostgreSQL. */
  readonly rules?: NameRules
  /** Values bound to the statement are numbers, or may be: held against text they fit more than one. */
  readonly numbersBound?: boolean
}

export interface NamedRelation {
  readonly object: string
  /** Empty: not known. */
  readonly columns: readonly string[]
  /** Columns that `*` and an INSERT without a list pass over. */
  readonly hidden?: readonly string[]
  /** Columns that hold numbers; undefined: not known. */
  readonly numeric?: ReadonlySet<string>
  /** What a write of it leaves behind, code on the server may have made: triggers, rules. */
  readonly rewritten?: boolean
  /** Where its columns come from is known whatever it is called: a view. */
  readonly tracked?: boolean
  /** It has the columns of a table that its columns' list does not name. A view has none: such a name is another's. */
  readonly systemColumns: boolean
}

/** The plan was made without values. */
const UNTOLD = [undefined]
/** Steps for one statement: some milliseconds at the most. */
const STEPS = 400_000

export class Run {
  readonly names: LineageNames
  readonly fuel = new Fuel(STEPS)
  readonly found = new Findings()
  readonly #rows = new Map<string, Row>()
  readonly #overloaded = new Map<string, boolean>()
  readonly #numeric = new Set<ColumnName>()

  constructor(names: LineageNames) {
    this.names = names
  }

  value(expression: Expression, place: Place): Value {
    return evaluate(expression, place, this)
  }

  values(expressions: readonly Expression[], place: Place): readonly Value[] {
    return expressions.map(each => evaluate(each, place, this))
  }

  query(query: Query, place: Place): Row {
    return rowOf(query, place, this)
  }

  /** Adds what stands in FROM to a level. */
  join(from: FromItem, scope: Scope, place: Place): void {
    itemOf(from, scope, place, this)
  }

  /** WHERE and the like: what they ask of columns. */
  ask(conditions: readonly Condition[], place: Place): void {
    for (const { use, value: expression, against, number } of conditions) {
      if (expression.kind === 'query' && expression.as === 'test') {
        // What the sub-query itself asks is noted as it is resolved.
        const row = this.query(expression.query, place)
        for (const each of this.values(expression.beside, place)) this.found.use(use, each)
        if (expression.beside.length > 0) this.found.use(use, row.whole(this.fuel))
        continue
      }
      const value = this.value(expression, place)
      const asItStands = value.how === 'identity' && this.#fits(value, number)
      const plain = use !== 'equality' || asItStands || value.sources.size === 0
      this.found.use(plain ? use : 'condition', value)
      if (use === 'equality' && plain && value.sources.size > 0) {
        this.found.compare(value, against ?? UNTOLD)
      }
    }
  }

  /** A text that is held against a number is turned into one: many texts fit it. */
  #fits({ sources }: Value, number: Condition['number']): boolean {
    if (number === undefined || (number === 'bound' && this.names.numbersBound !== true))
      return true
    return [...sources].every(each => this.#numeric.has(each))
  }

  overloaded(name: RelationName): boolean {
    const key = `${name.schema ?? ''}\0${name.name}`
    let answer = this.#overloaded.get(key)
    if (answer === undefined) {
      answer = this.names.overloaded(name)
      this.#overloaded.set(key, answer)
    }
    return answer
  }

  /** The columns of a relation as written. */
  relation(name: RelationName): {
    readonly row: Row
    readonly object: string | undefined
    readonly rewritten: boolean
  } {
    const found = this.names.relations(name)
    if (found === undefined || found.length === 0)
      return { row: unknownRow, object: undefined, rewritten: true }
    const rewritten = found.some(each => each.rewritten === true)
    const rows = found.map(each => this.#rowOf(each))
    const [first] = rows
    if (rows.length === 1 && first !== undefined)
      return { row: first, object: found[0]?.object, rewritten }
    return { row: this.#anyOf(rows), object: undefined, rewritten }
  }

  #rowOf(relation: NamedRelation): Row {
    const { object, columns } = relation
    let row = this.#rows.get(object)
    if (row === undefined) {
      row = columns.length === 0 ? unknownRow : baseRow(relation, this.names, this.#numeric)
      this.#rows.set(object, row)
    }
    return row
  }

  /** Of one of several relations: which, is not known. */
  #anyOf(rows: readonly Row[]): Row {
    const { fuel } = this
    const names = [...new Set(rows.flatMap(({ names }) => names))]
    const values = names.map(name => {
      const found = rows.map(row => row.find(name, fuel))
      return either(
        found.filter(each => each !== undefined),
        fuel,
      )
    })
    const others = rows.map(each => each.others).filter(each => each !== undefined)
    return Row.of(names, values, either(others, fuel))
  }
}

const unknownRow = Row.open({ sources: new Set(), how: 'unknown' })

/** `numeric` gets those of its columns that hold numbers. */
function baseRow(
  { object, columns, hidden, numeric, systemColumns }: NamedRelation,
  names: LineageNames,
  numbers: Set<ColumnName>,
): Row {
  const values = new Map<string, Value>()
  const columnValue = (column: string): Value => {
    const known = values.get(column)
    if (known !== undefined) return known
    const source: ColumnName = { object, column }
    if (numeric?.has(column) === true) numbers.add(source)
    const value: Value = { sources: new Set([source]), how: 'identity' }
    values.set(column, value)
    return value
  }
  const beside = (name: string): Value | undefined => {
    if (hidden?.includes(name) === true) return columnValue(name)
    return systemColumns && names.isSystemColumn(name) ? CONSTANT : undefined
  }
  return new Row(columns, index => columnValue(columns[index] as string), undefined, beside)
}
