// Statements that hold or name another one: EXPLAIN, PREPARE, EXECUTE, cursors, CREATE TABLE AS, CALL, DO.
import type { Flag } from '#model'
import type { RawOperation, SqlStatement } from '../analysis.ts'
import type { Plan } from '../lineage/index.ts'
import { fixedPlan, type Planned } from '../lineage/index.ts'
import { absorb, absorbRunning } from './absorb.ts'
import { readBlock } from './bodies.ts'
import { isOff } from './copy.ts'
import { castTo } from './expressions.ts'
import { planCall } from './lineage.ts'
import { saidValue } from './lineage-conditions.ts'
import { notShown } from './lineage-statements.ts'
import { intoClause } from './queries.ts'
import { fieldsOf, isTree, listOf, nameOf, namesOf, numberOf, textOf } from './tree.ts'
import type { Handler } from './walk.ts'

/**
 * ANALYZE runs the statement: any spelling that starts so, unless the value is plainly off. Quoted
 * names arrive here as they were written.
 */
function runs(options: unknown): boolean {
  return listOf(options).some(each => {
    const option = fieldsOf(each, 'DefElem')
    const name = textOf(option?.['defname'])?.toLowerCase() ?? ''
    return name.startsWith('analy') && (option?.['arg'] === undefined || !isOff(option['arg']))
  })
}

/** Shown, not run. Planning still calls functions that are not volatile, so calls stay calls. */
function shown(operation: RawOperation): RawOperation {
  const { action } = operation
  const milder = action === 'write' || action === 'define' ? 'read' : action
  const flags = operation.flags.filter(flag => flag === 'dynamic')
  const category = milder === action ? operation.category : 'read'
  return { ...operation, action: milder, verb: 'EXPLAIN', flags: [...flags, 'explain'], category }
}

/** The plan of a statement that holds another one. */
function wrapping(inner: SqlStatement, by: (plan: Plan) => Plan): Planned {
  return { plan: by(inner.plan), nodes: inner.planNodes + 1, literalsMatter: false }
}

/** What stands for another statement. */
const named: Planned = { plan: { kind: 'named' }, nodes: 1, literalsMatter: false }

const explain: Handler = (fields, walk) => {
  const { draft } = walk
  const inner = walk.inner(fields['query'])
  const analyze = runs(fields['options'])
  draft.literalsMatter = true
  draft.verb = 'EXPLAIN'
  draft.returnsRows = true
  draft.planned = wrapping(inner, plan => ({ kind: 'explained', plan, runs: analyze }))
  if (analyze) absorbRunning(inner, draft)
  else absorb(inner, draft, shown)
  draft.executes = inner.executes
  draft.explainOnly = !analyze
  draft.changesCatalog = analyze && inner.changesCatalog
  walk.each(fields['options'])
}

const prepare: Handler = (fields, walk) => {
  const { draft } = walk
  const inner = walk.inner(fields['query'])
  absorb(inner, draft)
  draft.verb = 'PREPARE'
  draft.planned = wrapping(inner, notShown)
  // EXECUTE turns its arguments into these types.
  for (const type of listOf(fields['argtypes'])) castTo(fieldsOf(type, 'TypeName'), walk)
  const statement = { ...inner, castsTo: draft.castsTo }
  draft.prepares = { name: textOf(fields['name']) ?? '', statement }
  draft.executes = inner.executes
  walk.each(fields['argtypes'])
}

const execute: Handler = (fields, walk) => {
  const { draft } = walk
  draft.verb = 'EXECUTE'
  draft.returnsRows = true
  draft.planned = named
  const given = walk.withValues ? { given: listOf(fields['params']).map(saidValue) } : {}
  draft.executes = { name: textOf(fields['name']) ?? '', ...given }
  walk.level(() => walk.each(fields['params']))
}

const deallocate: Handler = (fields, { draft }) => {
  draft.verb = 'DEALLOCATE'
  draft.deallocates = { name: fields['isall'] === true ? undefined : textOf(fields['name']) }
  draft.add('connect', 'DEALLOCATE', undefined, [], 'settings')
}

const declare: Handler = (fields, walk) => {
  const { draft } = walk
  const inner = walk.inner(fields['query'])
  absorb(inner, draft)
  draft.verb = 'DECLARE'
  draft.planned = wrapping(inner, notShown)
  // CURSOR_OPT_HOLD of the server's parsenodes.h.
  const held = (numberOf(fields['options']) & 0x20) !== 0
  draft.declares = { cursor: textOf(fields['portalname']) ?? '', statement: inner, held }
}

const fetch: Handler = (fields, { draft }) => {
  const moves = fields['ismove'] === true
  draft.verb = moves ? 'MOVE' : 'FETCH'
  draft.returnsRows = !moves
  draft.planned = moves ? fixedPlan(0) : named
  draft.fetches = { cursor: textOf(fields['portalname']) ?? '' }
}

const close: Handler = (fields, { draft }) => {
  draft.verb = 'CLOSE'
  draft.closes = { cursor: textOf(fields['portalname']) }
  draft.add('connect', 'CLOSE', undefined, [], 'settings')
}

const createTableAs: Handler = (fields, walk) => {
  const { draft } = walk
  const view = fields['objtype'] === 'OBJECT_MATVIEW'
  const verb = view ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS'
  const into = fields['into']
  if (isTree(into)) intoClause(into, walk, verb)
  const inner = walk.inner(fields['query'])
  absorbRunning(inner, draft)
  draft.executes = inner.executes
  draft.verb = verb
  draft.changesCatalog = true
  // The catalog knows where a materialized view's values come from, as it does of any view: they are no copy.
  draft.planned = wrapping(inner, plan =>
    view ? notShown(plan) : { kind: 'kept', plan, by: verb },
  )
}

const call: Handler = (fields, walk) => {
  const { draft } = walk
  const procedure = fields['funccall']
  draft.verb = 'CALL'
  draft.returnsRows = true
  draft.planned = planCall(procedure)
  draft.changesCatalog = true
  if (!isTree(procedure)) return
  const name = namesOf(procedure['funcname']).join('.')
  draft.functions.push(name)
  draft.add('execute', 'CALL', { name, kind: 'procedure' })
  walk.level(() => walk.children('FuncCall', procedure, ['funcname']))
}

/** What code computes without touching anything is not worth a decision. */
function touchesNothing({ action, category, relation, object }: RawOperation): boolean {
  return action === 'connect' && category === 'read' && relation === undefined && !object
}

const doStatement: Handler = (fields, { draft, left }) => {
  let language = 'plpgsql'
  let source: string | undefined
  for (const each of listOf(fields['args'])) {
    const item = fieldsOf(each, 'DefElem')
    if (item?.['defname'] === 'language') language = nameOf(item['arg']) ?? language
    if (item?.['defname'] === 'as') source = nameOf(item['arg'])
  }
  draft.verb = 'DO'
  draft.literalsMatter = true
  draft.changesCatalog = true
  const code = source === undefined ? 'unknown' : readBlock(language, source, left)
  const dynamic: readonly Flag[] = code === 'unknown' || code.dynamic ? ['dynamic'] : []
  draft.add('execute', 'DO', { name: language, kind: 'code' }, dynamic, 'code')
  if (code === 'unknown') return
  for (const each of code.statements) {
    absorbRunning(each, draft, operation =>
      touchesNothing(operation)
        ? undefined
        : { ...operation, flags: [...operation.flags, 'indirect'] },
    )
  }
}

export const nestedStatements: Readonly<Record<string, Handler>> = {
  ExplainStmt: explain,
  PrepareStmt: prepare,
  ExecuteStmt: execute,
  DeallocateStmt: deallocate,
  DeclareCursorStmt: declare,
  FetchStmt: fetch,
  ClosePortalStmt: close,
  CreateTableAsStmt: createTableAs,
  CallStmt: call,
  DoStmt: doStatement,
}
