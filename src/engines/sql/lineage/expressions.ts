// What flows into the value of an expression.
import type { Call, Expression, SubQuery } from './plan.ts'
import type { Run } from './run.ts'
import { lookUp, type Place, rowOf } from './scope.ts'
import { CONSTANT, isConstant, made, UNKNOWN, type Value } from './value.ts'

export function evaluate(expression: Expression, place: Place, run: Run): Value {
  const { fuel } = run
  fuel.spend(1)
  switch (expression.kind) {
    case 'constant':
      return CONSTANT
    case 'unknown':
      run.found.lose()
      return UNKNOWN
    case 'carried':
      return UNKNOWN
    case 'kept': {
      const value = run.value(expression.of, place)
      run.found.transfer(value, expression.by)
      return value
    }
    case 'column':
      return lookUp(
        expression.path,
        place.scope,
        fuel,
        (name, row) => ofRow(name, row, run),
        run.names.rules,
      )
    case 'row':
      return wholeRow(expression.path, place, run)
    case 'made':
      return made(run.values(expression.of, place), expression.how, fuel)
    case 'count': {
      for (const each of run.values(expression.of, place)) {
        if (expression.distinct) run.found.use('group', each)
        // A count of what an expression makes of values is a question about them.
        else if (each.row === undefined && each.how !== 'identity') run.found.use('condition', each)
      }
      run.ask(expression.chosen, place)
      const window = run.values(expression.window, place)
      for (const each of window) run.found.use('window', each)
      return run.overloaded(expression.name) ? UNKNOWN : CONSTANT
    }
    case 'call':
      return called(expression, place, run)
    case 'asked': {
      const value = run.value(expression.of, place)
      run.found.use('argument', value)
      return value
    }
    case 'partly': {
      const value = run.value(expression.of, place)
      if (!isWhole(value)) run.found.use('argument', value)
      return value
    }
    case 'beside':
      run.values(expression.of, place)
      return run.value(expression.value, place)
    case 'cast': {
      const value = made([run.value(expression.of, place)], 'transformed', fuel)
      if (run.names.isPlainType(expression.to)) return value
      run.found.transfer(value, expression.to.name)
      return { ...value, how: 'unknown' }
    }
    case 'field': {
      const value = run.value(expression.of, place)
      const field = value.row?.find(expression.name, fuel)
      if (field !== undefined && value.row?.others === undefined) return field
      // A field of a type that we do not know, or a function of the row.
      const { name } = expression
      const mayCall = run.names.isOtherFunction(name) || run.overloaded({ schema: undefined, name })
      if (value.row === undefined && !mayCall) return made([value], 'transformed', fuel)
      return ofRow(name, value, run)
    }
    case 'query':
      return subQuery(expression, place, run)
  }
}

/** A column's value, or a row of such. */
function isWhole({ how, row }: Value): boolean {
  if (how === 'identity') return true
  return row?.others === undefined && row?.values().every(each => each.how === 'identity') === true
}

/** `name(row)`, written as `row.name`. */
function ofRow(name: string, row: Value, run: Run): Value {
  const value = made([row], 'transformed', run.fuel)
  const { names } = run
  if (names.isSafeFunction(name) && !run.overloaded({ schema: undefined, name })) return value
  run.found.transfer(value, name)
  return { ...value, how: 'unknown' }
}

function wholeRow(path: readonly string[], place: Place, run: Run): Value {
  const row = rowOf(path, place.scope, run.fuel, run.names.rules)
  return row === undefined ? UNKNOWN : row.whole(run.fuel)
}

function called(call: Call, place: Place, run: Run): Value {
  const { fuel, found } = run
  const of = run.values(call.of, place)
  const order = run.values(call.order, place)
  for (const each of order) found.use('order', each)
  const filter = call.filter.map(each => run.value(each.value, place))
  run.ask(call.filter, place)
  const window = run.values(call.window, place)
  for (const each of window) found.use('window', each)
  const value = made([...of, ...order, ...filter, ...window], call.how, fuel)
  const { trust, name } = call
  if (trust === 'safe' && (name.schema !== undefined || !run.overloaded(name))) return value
  if (trust === 'plain' && (name.schema !== undefined || !run.overloaded(name))) {
    found.transfer(value, name.name)
    return CONSTANT
  }
  found.transfer(value, name.name)
  return { ...value, how: 'unknown' }
}

function subQuery(expression: SubQuery, place: Place, run: Run): Value {
  const { query, as, beside, at } = expression
  const { fuel, found } = run
  let row: Value = CONSTANT
  let column: Value = CONSTANT
  const asked = found.watch(() => {
    const columns = run.query(query, place)
    if (as !== 'test' || beside.length > 0) row = columns.whole(fuel)
    // A scalar of one column may be a whole row, whose fields are asked for.
    column = columns.others === undefined && at < columns.names.length ? columns.at(at) : row
  })
  if (as === 'test') return made([...run.values(beside, place), row, asked], 'transformed', fuel)
  if (as === 'array') return made([row], 'aggregate', fuel)
  // Of nothing that a table holds: what tells is whether a row was found. A number of rows may pass.
  if (isConstant(column) && !counts(query)) return made([asked], 'transformed', fuel)
  return column
}

/** `(SELECT count(...) FROM ...)`: always one row, whatever is asked. */
function counts(query: SubQuery['query']): boolean {
  if (query.kind !== 'select' || query.group.length > 0 || query.having.length > 0) return false
  return query.targets.every(
    each => each.kind === 'value' && each.value.kind === 'count' && each.value.window.length === 0,
  )
}
