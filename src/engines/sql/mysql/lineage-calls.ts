// Calls of functions, aggregates and windows.
import type { Call, Condition, Expression } from '../lineage/index.ts'
import { asked, inTurn, isSaid } from './lineage-failures.ts'
import { aggregates, isSafe, plain, total, unitFirst } from './lineage-functions.ts'
import { CONSTANT, columnName, type Planner, PROPOSED, Unplannable } from './lineage-planner.ts'
import { sortKeys } from './lineage-queries.ts'
import {
  fieldsOf,
  heldIn,
  isEmpty,
  isTree,
  listOf,
  onlyHas,
  type Tree,
  textOf,
  typeOf,
  wordOf,
  wordsOf,
} from './syntax-tree.ts'

const known: ReadonlySet<string> = new Set([
  ...['name', 'uses_odbc_syntax', 'parameters', 'args', 'over', 'within_group', 'null_treatment'],
])
const knownArguments: ReadonlySet<string> = new Set(['duplicate_treatment', 'args', 'clauses'])

interface Given {
  readonly nodes: readonly unknown[]
  readonly distinct: boolean
  /** `count(*)`. */
  readonly all: boolean
  readonly order: readonly Expression[]
  /** What clauses hold besides (LIMIT). */
  readonly more: readonly Expression[]
}

export function callOf(fields: Tree, planner: Planner): Expression {
  if (!onlyHas(fields, known)) throw new Unplannable()
  const words = wordsOf(fields['name'])
  if (words === undefined || words.length > 2) throw new Unplannable()
  const parts = words.map(({ text }) => text)
  const builtIn = parts.length === 1
  const name = parts.at(-1)?.toLowerCase() ?? ''
  const given = givenIn(fields['args'], planner)
  const window = windowOf(fields['over'], planner)
  if (builtIn && given.distinct === false && special.has(name)) {
    return special.get(name)?.(given, planner) ?? CONSTANT
  }
  const taken = builtIn && unitFirst.has(name) ? given.nodes.slice(1) : given.nodes
  const relation = {
    schema: builtIn ? undefined : parts[0],
    name: builtIn ? name : (parts[1] ?? ''),
  }
  if (builtIn && name === 'count') {
    const of = planner.expressions(taken)
    return {
      kind: 'count',
      of,
      distinct: given.distinct,
      chosen: noCondition,
      window,
      name: relation,
    }
  }
  const steps = taken.map(value => ({ value, gate: true }))
  const inOrder = builtIn && gated.has(name)
  const of = inOrder ? inTurn(steps, planner) : planner.expressions(taken)
  const within = sortKeys(fields['within_group'], planner)
  const many = builtIn && (aggregates.has(name) || !isEmpty(fields['over']))
  const call: Call = {
    kind: 'call',
    name: relation,
    trust: builtIn ? trustIn(name) : 'other',
    how: many ? 'aggregate' : 'transformed',
    of: [...of, ...given.more],
    order: [...given.order, ...within],
    filter: [],
    window,
  }
  if (builtIn && total.has(name)) return call
  // (With literals only it fails, or waits, when it is reached.)
  if (call.trust === 'safe' && !taken.every(isSaid)) return asked(call, planner)
  planner.failures += 1
  return call
}

const noCondition: readonly Condition[] = []

/** Whether what stands behind is looked at hangs on what stands before. */
const gated: ReadonlySet<string> = new Set(['if', 'ifnull', 'nvl', 'nvl2', 'coalesce', 'nullif'])

type Special = (given: Given, planner: Planner) => Expression

const special = new Map<string, Special>([
  // The default of a column may be an expression over others.
  ['default', () => ({ kind: 'unknown' })],
  ['values', proposed],
  ['value', proposed],
  // The name that it gives its value: that of another column, it may be.
  ['name_const', () => ({ kind: 'unknown' })],
  ['load_file', fileContent],
  ['last_insert_id', sessionId],
])

/** `VALUES(a)`: what would have been inserted. */
function proposed({ nodes }: Given, planner: Planner): Expression {
  const [of] = nodes
  const alone = wordOf(heldIn(of, 'Identifier'))?.text
  const last = wordsOf(heldIn(of, 'CompoundIdentifier'))?.at(-1)?.text
  const name = alone ?? last
  if (nodes.length !== 1 || name === undefined || planner.inserted === undefined)
    return { kind: 'unknown' }
  return { kind: 'column', path: [PROPOSED, columnName(name)] }
}

/** What is in a file of the server nobody knows. */
function fileContent({ nodes }: Given, planner: Planner): Expression {
  return callNamed('load_file', 'other', planner.expressions(nodes))
}

/** With an argument it is kept for the session, and answered. */
function sessionId({ nodes }: Given, planner: Planner): Expression {
  if (nodes.length === 0) return CONSTANT
  // (Whether it was kept is told later.)
  planner.failures += 1
  return { kind: 'kept', by: 'last_insert_id', of: ofEach(planner.expressions(nodes)) }
}

function ofEach(of: readonly Expression[]): Expression {
  return { kind: 'made', how: 'transformed', of }
}

function callNamed(name: string, trust: Call['trust'], of: readonly Expression[]): Call {
  const relation = { schema: undefined, name }
  return {
    kind: 'call',
    name: relation,
    trust,
    how: 'transformed',
    of,
    order: [],
    filter: [],
    window: [],
  }
}

function trustIn(name: string): Call['trust'] {
  if (isSafe(name)) return 'safe'
  return plain.has(name) ? 'plain' : 'other'
}

function givenIn(args: unknown, planner: Planner): Given {
  const none: Given = { nodes: [], distinct: false, all: false, order: [], more: [] }
  if (isEmpty(args)) return none
  const list = fieldsOf(args, 'List')
  if (list === undefined || !onlyHas(list, knownArguments)) throw new Unplannable()
  const nodes: unknown[] = []
  let all = false
  for (const each of listOf(list['args'])) {
    const unnamed = heldIn(each, 'Unnamed')
    if (unnamed === 'Wildcard') all = true
    else if (typeOf(unnamed) === 'Expr') nodes.push(heldIn(unnamed, 'Expr'))
    else throw new Unplannable()
  }
  const order: Expression[] = []
  const more: Expression[] = []
  for (const clause of listOf(list['clauses'])) {
    switch (typeOf(clause)) {
      case 'OrderBy':
        order.push(...sortKeys(heldIn(clause, 'OrderBy'), planner))
        break
      case 'Limit':
        more.push(planner.expression(heldIn(clause, 'Limit')))
        break
      case 'Separator':
      case 'JsonReturningClause':
        break
      default:
        throw new Unplannable()
    }
  }
  return { nodes, distinct: list['duplicate_treatment'] === 'Distinct', all, order, more }
}

const knownWindow: ReadonlySet<string> = new Set([
  ...['window_name', 'partition_by', 'order_by', 'window_frame'],
])

/** PARTITION BY, ORDER BY and frame of OVER, with those of the window that it names. */
function windowOf(over: unknown, planner: Planner): readonly Expression[] {
  if (isEmpty(over)) return []
  const named = heldIn(over, 'NamedWindow')
  return named === undefined
    ? windowSpec(heldIn(over, 'WindowSpec'), planner)
    : namedWindow(named, planner)
}

export function namedWindow(name: unknown, planner: Planner): readonly Expression[] {
  const held = planner.windows.get(planner.name(name).toLowerCase())
  if (held === undefined) throw new Unplannable()
  return held
}

export function windowSpec(spec: unknown, planner: Planner): readonly Expression[] {
  if (!isTree(spec) || !onlyHas(spec, knownWindow)) throw new Unplannable()
  const own = [
    ...planner.expressions(spec['partition_by']),
    ...sortKeys(spec['order_by'], planner),
    ...frameOf(spec['window_frame'], planner),
  ]
  const base = spec['window_name']
  return isEmpty(base) ? own : [...namedWindow(base, planner), ...own]
}

function frameOf(frame: unknown, planner: Planner): readonly Expression[] {
  if (!isTree(frame)) return []
  return ['start_bound', 'end_bound'].flatMap(bound => {
    const type = typeOf(frame[bound])
    const by = type === undefined ? undefined : heldIn(frame[bound], type)
    return textOf(by) !== undefined || isEmpty(by) ? [] : [planner.expression(by)]
  })
}
