// The door of the compiler: a statement of the parser's tree → its plan of values. Never throws: what is too large, or
// holds what it does not know, is `unknown`.
import type { Expression, Plan, Query } from '../lineage/index.ts'
import { callOf } from './lineage-calls.ts'
import { Planner, type PlanOptions, Unplannable } from './lineage-planner.ts'
import { writeOf } from './lineage-writes.ts'
import { fieldsOf, heldIn, isTree, listOf, type Tree, typeOf } from './syntax-tree.ts'

export interface Planned {
  readonly plan: Plan
  /** About what it costs to keep. */
  readonly nodes: number
  /** It holds for texts with these very literals only. */
  readonly literalsMatter: boolean
}

export interface StatementPlanOptions extends PlanOptions {
  /** Its rows go there, by a clause that the parser was not shown (`INTO OUTFILE`, ...). */
  readonly into?: string
  /** DO: it runs, and answers nothing. */
  readonly silent?: boolean
}

/** Of what queries, writes, makes a table or a view, calls, explains or assigns variables; else `undefined`. */
export function planStatement(value: unknown, options: StatementPlanOptions): Planned | undefined {
  const build = builders[typeOf(value) ?? '']
  if (build === undefined) return undefined
  const planner = new Planner(options, value)
  try {
    const plan = build(value, planner, options)
    return plan === undefined
      ? undefined
      : { plan, nodes: planner.nodes, literalsMatter: planner.literalsMatter }
  } catch (error) {
    // Safe: `unknown` is the worst that can be said. RangeError: nested too deeply for us.
    if (!(error instanceof Unplannable || error instanceof RangeError)) throw error
    return UNKNOWN
  }
}

/** (Whatever its literals are: what is not known of one text of a shape is not known of the others.) */
const UNKNOWN: Planned = { plan: { kind: 'unknown' }, nodes: 1, literalsMatter: false }

type Build = (value: unknown, planner: Planner, options: StatementPlanOptions) => Plan | undefined

const builders: Readonly<Record<string, Build>> = {
  Query: query,
  Insert: write,
  Update: write,
  Delete: write,
  CreateTable: createTable,
  CreateView: createView,
  Explain: explain,
  Call: call,
  Set: set,
}

function query(value: unknown, planner: Planner, { into, silent }: StatementPlanOptions): Plan {
  const fields = fieldsOf(value, 'Query')
  const plan: Plan = { kind: 'query', query: planner.query(fields), shown: silent !== true }
  const by = into ?? intoOf(fields)
  return by === undefined ? plan : { kind: 'kept', plan, by }
}

/** `SELECT ... INTO @v`. */
function intoOf(fields: Tree | undefined): string | undefined {
  const select = fieldsOf(fields?.['body'], 'Select')
  return isTree(select?.['into']) ? 'SELECT INTO' : undefined
}

function write(value: unknown, planner: Planner): Plan {
  return { kind: 'query', query: writeOf(value, planner), shown: true }
}

function createTable(value: unknown, planner: Planner): Plan | undefined {
  const made = fieldsOf(value, 'CreateTable')
  if (!isTree(made?.['query'])) return undefined
  const plan: Plan = { kind: 'query', query: planner.query(made['query']), shown: true }
  return { kind: 'kept', plan, by: 'CREATE TABLE AS' }
}

/** What it shows the catalog is asked for; what it asks of columns tells whoever makes it nothing. */
function createView(value: unknown, planner: Planner): Plan {
  const view = fieldsOf(value, 'CreateView')
  return { kind: 'query', query: planner.query(view?.['query']), shown: false }
}

/** Its notes and its JSON spell out values of rows that the optimizer has read (`const` tables). */
function explain(value: unknown, planner: Planner, options: StatementPlanOptions): Plan {
  const fields = fieldsOf(value, 'Explain')
  const held = fields?.['statement']
  const inner = builders[typeOf(held) ?? '']?.(held, planner, options)
  if (inner === undefined) return { kind: 'unknown' }
  return { kind: 'explained', plan: inner, runs: true }
}

function call(value: unknown, planner: Planner): Plan {
  const fields = fieldsOf(value, 'Call')
  const called = callOf(fields ?? {}, planner)
  if (called.kind !== 'call') return { kind: 'unknown' }
  return { kind: 'called', call: { ...called, trust: 'other' } }
}

/** SET: values go into variables. */
function set(value: unknown, planner: Planner): Plan | undefined {
  const held = heldIn(value, 'Set')
  const one = fieldsOf(held, 'SingleAssignment')
  const many = heldIn(held, 'MultipleAssignments')
  const given =
    one !== undefined
      ? listOf(one['values'])
      : listOf(many).map(each => (isTree(each) ? each['value'] : each))
  if (one === undefined && !Array.isArray(many)) return undefined
  const row = given.map(each => settingValue(each, planner))
  const values: Query = { kind: 'values', rows: [row], order: [], limits: [] }
  return { kind: 'kept', plan: { kind: 'query', query: values, shown: true }, by: 'SET' }
}

/** `SET names = utf8`: a word alone is a value, for there is no column here. */
function settingValue(value: unknown, planner: Planner): Expression {
  const name = heldIn(value, 'Identifier')
  const word = isTree(name) ? String(name['value'] ?? '') : undefined
  return word === undefined || word.startsWith('@')
    ? planner.expression(value)
    : { kind: 'constant' }
}
