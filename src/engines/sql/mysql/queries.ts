// SELECT and what stands in FROM.
import type { Scope } from '../scope.ts'
import { column, expression, expressions } from './expressions.ts'
import { aliasIn, folded, relationIn, wordsIn } from './names.ts'
import { isSensitive, isSystemDatabase } from './sensitive-relations.ts'
import { isTree, listOf, type Tree } from './syntax-tree.ts'
import { eachOf, opened, unknown, type Walk } from './walk.ts'
import { changeIn } from './writes.ts'

/** A query at a level of its own. */
export function query(value: unknown, walk: Walk): void {
  walk.level(scope => {
    if (!isTree(value)) throw unknown('Query')
    if (listOf(value['locks']).length > 0) scope.locking = true
    if (value['with'] !== undefined) withClause(value['with'], walk, scope)
    walk.fields(value, 'Query', {
      with: true,
      body: held => body(held, walk),
      order_by: held => orderClause(held, walk),
      limit_clause: held => limits(held, walk),
      fetch: held => walk.fields(held, 'Fetch', { quantity: each => expression(each, walk) }),
      locks: held =>
        eachOf(held, each =>
          walk.fields(each, 'Lock', { lock_type: true, of: true, nonblock: true }),
        ),
    })
  })
}

export function withClause(value: unknown, walk: Walk, scope: Scope): void {
  walk.fields(value, 'With', {
    with_token: true,
    recursive: true,
    cte_tables: tables => eachOf(tables, each => cte(each, value, walk, scope)),
  })
}

/** A CTE sees those before it, and itself when it says RECURSIVE. Its name means it in the very case that it is written in. */
function cte(value: unknown, clause: unknown, walk: Walk, scope: Scope): void {
  const recursive = isTree(clause) && clause['recursive'] === true
  const alias = isTree(value) && isTree(value['alias']) ? value['alias'] : undefined
  const name = aliasIn(alias?.['name']) ?? ''
  if (recursive) scope.addCte(name)
  walk.fields(value, 'Cte', {
    alias: held => walk.fields(held, 'TableAlias', { explicit: true, name: true, columns: true }),
    query: held => walk.apart(() => query(held, walk)),
    closing_paren_token: true,
  })
  if (!recursive) scope.addCte(name)
}

function body(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a query')
  if (type === 'Select') select(held, walk)
  else if (type === 'Query') query(held, walk)
  else if (type === 'Values') values(held, walk)
  else if (type === 'SetOperation') {
    walk.fields(held, 'SetOperation', {
      op: true,
      set_quantifier: true,
      left: side => walk.level(() => body(side, walk)),
      right: side => walk.level(() => body(side, walk)),
    })
  } else if (type === 'Update' || type === 'Delete' || type === 'Insert') {
    // WITH ... UPDATE
    changeIn(held, walk)
  } else throw unknown(type)
}

export function values(value: unknown, walk: Walk): void {
  walk.fields(value, 'Values', {
    explicit_row: true,
    value_keyword: true,
    rows: rows =>
      eachOf(rows, each =>
        walk.fields(each, 'Row', {
          content: content => expressions(content, walk),
          opening_token: true,
          closing_token: true,
        }),
      ),
  })
}

function select(value: unknown, walk: Walk): void {
  walk.fields(value, 'Select', {
    select_token: true,
    select_modifiers: true,
    distinct: true,
    flavor: true,
    window_before_qualify: true,
    projection: held => eachOf(held, each => target(each, walk)),
    from: held => from(held, walk),
    selection: held => expression(held, walk),
    group_by: held => groupBy(held, walk),
    having: held => expression(held, walk),
    named_window: held => namedWindows(held, walk),
  })
}

export function target(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a column')
  if (type === 'UnnamedExpr') expression(held, walk)
  else if (type === 'ExprWithAlias') {
    walk.fields(held, type, { expr: each => expression(each, walk), alias: true })
  } else if (type === 'Wildcard') {
    walk.fields(held, type, { wildcard_token: true })
    walk.draft.allColumns = true
    walk.scope?.everyColumn()
  } else if (type === 'QualifiedWildcard') qualifiedWildcard(held, walk)
  else throw unknown(type)
}

/** `t.*`, `db.t.*` */
function qualifiedWildcard(value: unknown, walk: Walk): void {
  if (!Array.isArray(value) || value.length !== 2) throw unknown('QualifiedWildcard')
  const [kind, name] = opened(value[0], 'QualifiedWildcard')
  if (kind !== 'ObjectName') throw unknown(kind)
  walk.fields(value[1], 'Wildcard', { wildcard_token: true })
  walk.draft.allColumns = true
  walk.scope?.everyColumn(folded(wordsIn(name).at(-1)?.text ?? ''))
}

function groupBy(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'GROUP BY')
  if (type !== 'Expressions' || !Array.isArray(held)) throw unknown('GROUP BY')
  const [keys, modifiers] = held
  if (listOf(modifiers).length > 0) throw unknown('GROUP BY')
  expressions(keys, walk)
}

function namedWindows(value: unknown, walk: Walk): void {
  eachOf(value, each => {
    if (!Array.isArray(each)) throw unknown('WINDOW')
    const [type, held] = opened(each[1], 'WINDOW')
    if (type === 'WindowSpec') windowSpec(held, walk)
    else if (type !== 'NamedWindow') throw unknown(type)
  })
}

export function windowSpec(value: unknown, walk: Walk): void {
  walk.fields(value, 'WindowSpec', {
    window_name: true,
    partition_by: held => expressions(held, walk),
    order_by: held => orderBy(held, walk),
    window_frame: held =>
      walk.fields(held, 'WindowFrame', {
        units: true,
        start_bound: bound => frameBound(bound, walk),
        end_bound: bound => frameBound(bound, walk),
      }),
  })
}

function frameBound(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a frame')
  if (type !== 'CurrentRow' && type !== 'Preceding' && type !== 'Following') throw unknown(type)
  if (held !== undefined && held !== null) expression(held, walk)
}

function orderClause(value: unknown, walk: Walk): void {
  walk.fields(value, 'OrderBy', {
    kind: held => {
      const [type, keys] = opened(held, 'ORDER BY')
      if (type !== 'Expressions') throw unknown(type)
      orderBy(keys, walk)
    },
  })
}

export function orderBy(value: unknown, walk: Walk): void {
  eachOf(value, each =>
    walk.fields(each, 'OrderByExpr', { expr: held => expression(held, walk), options: true }),
  )
}

function limits(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'LIMIT')
  if (type === 'LimitOffset') {
    walk.fields(held, type, {
      limit: each => expression(each, walk),
      offset: each =>
        walk.fields(each, 'Offset', { value: inner => expression(inner, walk), rows: true }),
    })
  } else if (type === 'OffsetCommaLimit') {
    walk.fields(held, type, {
      limit: each => expression(each, walk),
      offset: each => expression(each, walk),
    })
  } else throw unknown(type)
}

export function from(value: unknown, walk: Walk): void {
  eachOf(value, each => joined(each, walk))
}

export function joined(value: unknown, walk: Walk): void {
  walk.fields(value, 'TableWithJoins', {
    relation: held => factor(held, walk),
    joins: held => eachOf(held, each => join(each, walk)),
  })
}

function join(value: unknown, walk: Walk): void {
  walk.fields(value, 'Join', {
    relation: held => factor(held, walk),
    join_operator: held => {
      const [type, constraint] = opened(held, 'a join')
      if (!joins.has(type)) throw unknown(type)
      if (constraint !== undefined) joinConstraint(constraint, walk)
    },
  })
}

const joins: ReadonlySet<string> = new Set([
  'Join',
  'Inner',
  'Left',
  'LeftOuter',
  'Right',
  'RightOuter',
  'CrossJoin',
  'StraightJoin',
])

function joinConstraint(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a join')
  if (type === 'On') expression(held, walk)
  else if (type === 'Using') {
    eachOf(held, each => column(wordsIn(each).at(-1)?.text ?? '', walk))
  } else if (type === 'Natural') {
    walk.draft.allColumns = true
    walk.scope?.everyColumn()
  } else if (type !== 'None') throw unknown(type)
}

function factor(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a table')
  if (!isTree(held)) throw unknown(type)
  if (type === 'Table') table(held, walk)
  else if (type === 'Derived') derived(held, walk)
  else if (type === 'NestedJoin') {
    walk.fields(held, type, { table_with_joins: each => joined(each, walk) })
  } else if (type === 'JsonTable') jsonTable(held, walk)
  else throw unknown(type)
}

function aliasOf(held: Tree): string | undefined {
  const alias = held['alias']
  return isTree(alias) ? aliasIn(alias['name']) : undefined
}

const alias = (held: unknown, walk: Walk): void =>
  walk.fields(held, 'TableAlias', { explicit: true, name: true, columns: true })

const tableFields = {
  name: true,
  alias,
  partitions: true,
  index_hints: (held: unknown, walk: Walk): void =>
    eachOf(held, each =>
      walk.fields(each, 'IndexHint', {
        hint_type: true,
        index_type: true,
        for_clause: true,
        index_names: true,
      }),
    ),
} as const

function table(held: Tree, walk: Walk): void {
  walk.fields(held, 'Table', tableFields)
  const relation = relationIn(held['name'])
  const known = aliasOf(held)
  const { scope, draft } = walk
  const named = folded(known ?? relation.name)
  // DUAL without quotes is no table.
  if (relation.schema === undefined && isDual(held)) return
  if (relation.schema === undefined && scope?.hides(relation.name) === true) {
    scope.refer(named, undefined)
    return
  }
  const changed = walk.changing?.meet(named, relation, walk)
  if (changed !== undefined) {
    scope?.refer(named, changed)
    return
  }
  const sensitive = isSensitive(relation, walk.database)
  const operation = draft.touch(
    sensitive ? 'administer' : 'read',
    'SELECT',
    inSystemDatabase(relation, walk.database),
    [],
    sensitive ? 'system' : undefined,
  )
  scope?.refer(named, operation)
}

/** What stands in the server's own databases is named with them, whatever the default database is. */
function inSystemDatabase(
  relation: ReturnType<typeof relationIn>,
  database: string | undefined,
): ReturnType<typeof relationIn> {
  if (relation.schema !== undefined || !isSystemDatabase(database)) return relation
  return { schema: database, name: relation.name }
}

function isDual(held: Tree): boolean {
  const words = wordsIn(held['name'])
  return words.length === 1 && words[0]?.quoted === false && /^dual$/i.test(words[0].text)
}

function derived(held: Tree, walk: Walk): void {
  const inner = (each: unknown): void => query(each, walk)
  walk.fields(held, 'Derived', {
    lateral: true,
    alias,
    subquery: each => {
      if (held['lateral'] === true) inner(each)
      else walk.apart(() => inner(each))
    },
  })
  const named = aliasOf(held)
  if (named !== undefined) walk.scope?.refer(folded(named), undefined)
}

function jsonTable(held: Tree, walk: Walk): void {
  walk.fields(held, 'JsonTable', {
    json_expr: each => expression(each, walk),
    json_path: true,
    columns: true,
    alias,
  })
  const named = aliasOf(held)
  if (named !== undefined) walk.scope?.refer(folded(named), undefined)
}
