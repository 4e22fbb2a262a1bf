// COPY: direction, wire form of the rows, and whether the server's files or programs are touched.
import type { CopyOptions, CopyShape } from '../analysis.ts'
import { Refusal } from '../draft.ts'
import type { Plan } from '../lineage/index.ts'
import { fixedPlan, type Planned } from '../lineage/index.ts'
import { absorbRunning } from './absorb.ts'
import { relationPlan } from './lineage-statements.ts'
import { relationNameOf } from './relations.ts'
import { sensitiveRelations } from './sensitive-relations.ts'
import {
  constantOf,
  fieldsOf,
  isTree,
  listOf,
  nameOf,
  namesOf,
  type Tree,
  textOf,
  typeOf,
} from './tree.ts'
import type { Handler, Walk } from './walk.ts'

export const copyStatement: Handler = (fields, walk) => {
  const { draft } = walk
  draft.verb = 'COPY'
  draft.literalsMatter = true
  const incoming = fields['is_from'] === true
  const program = fields['is_program'] === true
  const file = textOf(fields['filename'])
  const to = program ? 'program' : file !== undefined ? 'file' : incoming ? 'stdin' : 'stdout'
  const relation = fields['relation']
  const columns = namesOf(fields['attlist'])
  if (isTree(relation)) {
    copyRelation(relation, incoming, columns, walk)
    draft.planned = incoming
      ? fixedPlan(0)
      : copied(relationPlan(relation, columns), 4 + columns.length, to)
  }
  const query = fields['query']
  if (query !== undefined) {
    const inner = walk.inner(query)
    absorbRunning(inner, draft, operation => ({
      ...operation,
      flags: [...operation.flags, 'bulk'],
      category: operation.category === 'read' ? 'copy_out' : operation.category,
    }))
    draft.planned = copied(inner.plan, inner.planNodes, to)
  }
  if (fields['whereClause'] !== undefined) walk.level(() => walk.node(fields['whereClause']))
  if (program || file !== undefined) draft.add('administer', 'COPY', undefined, ['server_files'])
  draft.copy = {
    direction: incoming ? 'in' : 'out',
    ...(isTree(relation) ? { relation: relationNameOf(relation) } : {}),
    columns: columns.length === 0 ? undefined : columns,
    ...wireForm(fields['options']),
    query: query !== undefined,
    to,
  }
}

/** Rows go to the client, or into a file or program of the server. */
function copied(plan: Plan, nodes: number, to: CopyShape['to']): Planned {
  const own: Plan = to === 'stdout' ? plan : { kind: 'kept', plan, by: 'COPY' }
  return { plan: own, nodes, literalsMatter: false }
}

function copyRelation(fields: Tree, incoming: boolean, columns: string[], walk: Walk): void {
  const relation = relationNameOf(fields)
  if (incoming && relation.name === 'pg_settings') {
    throw new Refusal(
      'setting_refused',
      'settings are changed by SET, not by a write to pg_settings',
    )
  }
  const read = sensitiveRelations(relation) ? 'administer' : 'read'
  const operation = walk.draft.touch(incoming ? 'write' : read, 'COPY', relation, ['bulk'])
  for (const column of columns) operation.columns.push(column)
  operation.star = columns.length === 0
  for (const column of columns) walk.draft.columnNames.push(column)
  if (columns.length === 0) walk.draft.allColumns = true
}

/** The rows' form. The server's defaults depend on the format. */
function wireForm(list: unknown): Pick<CopyShape, 'format' | 'options'> {
  const given = new Map<string, unknown>()
  for (const each of listOf(list)) {
    const item = fieldsOf(each, 'DefElem')
    const name = textOf(item?.['defname'])
    if (name !== undefined) given.set(name.toLowerCase(), item?.['arg'])
  }
  const format = textOption(given.get('format'))?.toLowerCase() ?? 'text'
  if (format !== 'text' && format !== 'csv' && format !== 'binary') {
    throw new Refusal('statement_unsupported', 'COPY in this format is not understood')
  }
  refuseEncoding(textOption(given.get('encoding')))
  const csv = format === 'csv'
  const quote = textOption(given.get('quote')) ?? '"'
  const options: CopyOptions = {
    delimiter: textOption(given.get('delimiter')) ?? (csv ? ',' : '\t'),
    nullText: textOption(given.get('null')) ?? (csv ? '' : '\\N'),
    quote,
    escape: textOption(given.get('escape')) ?? quote,
    header: given.has('header') && !isOff(given.get('header')),
    forceQuote: forceQuote(given.get('force_quote')),
  }
  return { format, options }
}

/** In another encoding a delimiter's byte can be part of a character: rows could not be told apart. */
function refuseEncoding(name: string | undefined): void {
  const encoding = name?.toLowerCase().replace(/[^a-z0-9]/g, '')
  if (encoding === undefined || encoding === 'utf8' || encoding === 'unicode') return
  throw new Refusal('setting_refused', 'COPY stays in UTF8')
}

function textOption(arg: unknown): string | undefined {
  if (arg === undefined) return undefined
  const name = nameOf(arg)
  if (name !== undefined) return name
  const value = constantOf(arg)
  if (typeof value === 'string') return value
  // An option given in a form that we do not read would be read by the server all the same.
  throw new Refusal('statement_unsupported', 'an option of COPY is not understood')
}

/** `false`, `off` and 0, as the server reads a boolean option; everything else is taken for on. */
export function isOff(arg: unknown): boolean {
  const text = nameOf(arg) ?? constantOf(arg)
  if (typeof text === 'string') return ['off', 'false'].includes(text.toLowerCase())
  const integer = fieldsOf(arg, 'Integer')
  if (integer !== undefined) return integer['ival'] === undefined || integer['ival'] === 0
  const boolean = fieldsOf(arg, 'Boolean')
  return boolean !== undefined && boolean['boolval'] !== true
}

function forceQuote(arg: unknown): readonly string[] | 'all' {
  if (typeOf(arg) === 'A_Star') return 'all'
  return namesOf(fieldsOf(arg, 'List')?.['items'])
}
