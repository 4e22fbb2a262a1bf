// INSERT, REPLACE, UPDATE and DELETE: what they write, and whether a condition narrows it.
import type { RelationName } from '../analysis.ts'
import type { DraftOperation } from '../draft.ts'
import { expression } from './expressions.ts'
import { aliasIn, folded, relationIn, wordsIn } from './names.ts'
import { from, joined, orderBy, query, target } from './queries.ts'
import { isSystemDatabase } from './sensitive-relations.ts'
import { isTree, listOf, type Tree } from './syntax-tree.ts'
import { narrowsNothing } from './unfiltered.ts'
import { eachOf, opened, unknown, type Walk } from './walk.ts'

/** An INSERT, UPDATE or DELETE at a level of its own. */
export function changeIn(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a statement')
  if (!isTree(held)) throw unknown(type)
  walk.draft.modifications += 1
  walk.level(() => {
    if (type === 'Insert') insert(held, walk)
    else if (type === 'Update') update(held, walk)
    else if (type === 'Delete') remove(held, walk)
    else throw unknown(type)
  })
}

/** What a write of that relation is. The server's own tables hold its users and settings. */
export function writeTo(relation: RelationName, verb: string, walk: Walk): DraftOperation {
  const own = isSystemDatabase(relation.schema ?? walk.database)
  const schema = relation.schema ?? (own ? walk.database : undefined)
  return own
    ? walk.draft.touch('administer', verb, { schema, name: relation.name }, [], 'system')
    : walk.draft.touch('write', verb, relation, [])
}

function insert(held: Tree, walk: Walk): void {
  const replaces = held['replace_into'] === true
  const [kind, name] = opened(held['table'], 'a table')
  if (kind !== 'TableName') throw unknown(kind)
  const relation = relationIn(name)
  const written = writeTo(relation, replaces ? 'REPLACE' : 'INSERT', walk)
  // It takes the rows away that are in the way.
  if (replaces) writeTo(relation, 'DELETE', walk)
  walk.scope?.refer(folded(relation.name), written)
  if (listOf(held['columns']).length === 0 && listOf(held['assignments']).length === 0) {
    written.star = true
    walk.draft.allColumns = true
  }
  walk.fields(held, 'Insert', {
    insert_token: true,
    into: true,
    ignore: true,
    replace_into: true,
    table: true,
    partitioned: true,
    columns: names => eachOf(names, each => assigned(each, written, walk)),
    source: value => walk.apart(() => query(value, walk)),
    assignments: list => assignments(list, () => written, walk),
    insert_alias: value => {
      const row = isTree(value) ? aliasIn(listOf(value['row_alias'])[0]) : undefined
      const named = row ?? aliasIn(listOf(isTree(value) ? value['row_alias'] : undefined)[0])
      if (named !== undefined) walk.scope?.refer(folded(named), written)
      walk.fields(value, 'InsertAliases', { row_alias: true, col_aliases: true })
    },
    on: value => {
      const [type, list] = opened(value, 'ON DUPLICATE KEY')
      if (type !== 'DuplicateKeyUpdate') throw unknown(type)
      const updated = writeTo(relation, 'UPDATE', walk)
      assignments(list, () => updated, walk)
    },
    returning: value => returning(value, relation, walk),
  })
}

function returning(value: unknown, relation: RelationName, walk: Walk): void {
  walk.draft.returnsRows = true
  walk.level(scope => {
    scope.refer(folded(relation.name), walk.draft.touch('read', walk.verb, relation, []))
    eachOf(value, each => target(each, walk))
  })
}

function assigned(name: unknown, operation: DraftOperation, walk: Walk): void {
  const key = folded(wordsIn(name).at(-1)?.text ?? '')
  operation.columns.push(key)
  walk.draft.columnNames.push(key)
}

function assignments(
  list: unknown,
  of: (qualifier: string | undefined) => DraftOperation | undefined,
  walk: Walk,
): void {
  eachOf(list, each =>
    walk.fields(each, 'Assignment', {
      target: value => {
        const [kind, name] = opened(value, 'a column')
        if (kind !== 'ColumnName') throw unknown(kind)
        const qualifier = wordsIn(name).at(-2)?.text
        const operation = of(qualifier)
        if (operation === undefined) walk.draft.columnNames.push(lastOf(name))
        else assigned(name, operation, walk)
      },
      value: value => expression(value, walk),
    }),
  )
}

function lastOf(name: unknown): string {
  return folded(wordsIn(name).at(-1)?.text ?? '')
}

function update(held: Tree, walk: Walk): void {
  const names = new Set<string>()
  let unnamed = false
  for (const each of listOf(held['assignments'])) {
    const value = isTree(each) ? each['target'] : undefined
    const [, name] = opened(value, 'a column')
    const qualifier = wordsIn(name).at(-2)?.text
    if (qualifier === undefined) unnamed = true
    else names.add(folded(qualifier))
  }
  const changing = new Changing('UPDATE', unnamed ? 'all' : names)
  walk.changing = changing
  joined(held['table'], walk)
  walk.changing = undefined
  walk.fields(held, 'Update', {
    update_token: true,
    or: true,
    table: true,
    assignments: list => assignments(list, qualifier => changing.find(qualifier), walk),
    selection: value => expression(value, walk),
    order_by: value => orderBy(value, walk),
    limit: value => expression(value, walk),
  })
  changing.settle([held['table']], held['selection'], walk)
}

function remove(held: Tree, walk: Walk): void {
  const [, list] = opened(held['from'], 'FROM')
  const named = listOf(held['tables'])
  const using = listOf(held['using'])
  const names =
    named.length > 0
      ? new Set(named.map(each => folded(wordsIn(each).at(-1)?.text ?? '')))
      : using.length > 0
        ? namesOf(list)
        : 'all'
  const sources = using.length > 0 ? using : listOf(list)
  const changing = new Changing('DELETE', names)
  walk.changing = changing
  from(sources, walk)
  walk.changing = undefined
  if (changing.operations.length === 0) throw unknown('the table of a DELETE')
  walk.fields(held, 'Delete', {
    delete_token: true,
    tables: true,
    from: true,
    using: true,
    selection: value => expression(value, walk),
    order_by: value => orderBy(value, walk),
    limit: value => expression(value, walk),
    returning: value => {
      const [first] = changing.operations
      if (first?.operation.relation !== undefined) {
        returning(value, first.operation.relation, walk)
      }
    },
  })
  for (const { operation } of changing.operations) operation.star = true
  changing.settle(sources, held['selection'], walk)
}

/** The names that stand between DELETE FROM and USING. */
function namesOf(list: unknown): ReadonlySet<string> {
  const names = new Set<string>()
  eachOf(list, each => {
    const relation = isTree(each) ? each['relation'] : undefined
    const [type, held] = opened(relation, 'a table')
    if (type !== 'Table' || !isTree(held)) throw unknown(type)
    names.add(folded(relationIn(held['name']).name))
  })
  return names
}

/** Which of the tables that stand in a statement it changes. */
export class Changing {
  readonly verb: string
  readonly operations: { readonly name: string; readonly operation: DraftOperation }[] = []
  readonly #names: ReadonlySet<string> | 'all'

  constructor(verb: string, names: ReadonlySet<string> | 'all') {
    this.verb = verb
    this.#names = names
  }

  /** Undefined for a table that is only read. */
  meet(name: string, relation: RelationName, walk: Walk): DraftOperation | undefined {
    const table = folded(relation.name)
    const named = this.#names === 'all' || this.#names.has(name) || this.#names.has(table)
    if (!named) return undefined
    const operation = writeTo(relation, this.verb, walk)
    this.operations.push({ name, operation })
    return operation
  }

  /** The operation of a table by the name that stands before a column. */
  find(qualifier: string | undefined): DraftOperation | undefined {
    if (qualifier === undefined) {
      return this.operations.length === 1 ? this.operations[0]?.operation : this.#all()
    }
    const key = folded(qualifier)
    return this.operations.find(({ name }) => name === key)?.operation
  }

  settle(tables: readonly unknown[], selection: unknown, walk: Walk): void {
    if (!narrowsNothing(tables, selection, walk.draft)) return
    for (const { operation } of this.operations) operation.flags.push('unfiltered')
  }

  /** A column without a table's name before it may be of any of them. */
  #all(): DraftOperation | undefined {
    for (const { operation } of this.operations) operation.star = true
    return undefined
  }
}
