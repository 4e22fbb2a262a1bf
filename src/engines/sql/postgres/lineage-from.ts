// FROM: relations, sub-queries, functions and joins, as the plan of values has them.
import type { FromItem, FunctionCall } from '../lineage/index.ts'
import { safeFunctions } from './catalog-names.ts'
import { openFunctions, severalColumns } from './lineage-functions.ts'
import { aliasNames, outputName } from './lineage-names.ts'
import { isBuiltInName, type Planner, Unplannable } from './lineage-planner.ts'
import { relationNameOf } from './relations.ts'
import { sensitiveRelations } from './sensitive-relations.ts'
import { fieldsOf, isTree, listOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

export function fromItem(value: unknown, planner: Planner): FromItem {
  planner.count()
  const type = typeOf(value)
  const fields = type === undefined ? undefined : fieldsOf(value, type)
  if (fields === undefined) return { kind: 'unknown' }
  switch (type) {
    case 'RangeVar':
      return relation(fields)
    case 'RangeTableSample': {
      const of = fromItem(fields['relation'], planner)
      const sample = [
        ...planner.expressions(fields['args']),
        ...(fields['repeatable'] === undefined ? [] : [planner.expression(fields['repeatable'])]),
      ]
      return of.kind === 'relation' ? { ...of, sample } : { kind: 'unknown' }
    }
    case 'RangeSubselect':
      return {
        kind: 'query',
        query: planner.query(fields['subquery']),
        lateral: fields['lateral'] === true,
        ...aliasIn(fields),
      }
    case 'RangeFunction':
      return functions(fields, planner)
    case 'RangeTableFunc':
      return tableFunction(fields, planner, ['docexpr', 'rowexpr', 'namespaces'])
    case 'JsonTable':
      return tableFunction(fields, planner, ['context_item', 'passing', 'pathspec', 'on_error'])
    case 'JoinExpr':
      return join(fields, planner)
    default:
      return { kind: 'unknown' }
  }
}

function aliasIn(fields: Tree): { alias: string | undefined; columns: readonly string[] } {
  const alias = fields['alias']
  if (!isTree(alias)) return { alias: undefined, columns: [] }
  return { alias: textOf(alias['aliasname']), columns: aliasNames(alias['colnames']) }
}

function relation(fields: Tree): FromItem {
  const name = relationNameOf(fields)
  return {
    kind: 'relation',
    relation: name,
    opaque: sensitiveRelations(name),
    sample: [],
    ...aliasIn(fields),
  }
}

function join(fields: Tree, planner: Planner): FromItem {
  const using = fields['join_using_alias']
  return {
    kind: 'join',
    left: fromItem(fields['larg'], planner),
    right: fromItem(fields['rarg'], planner),
    using: fields['isNatural'] === true ? 'natural' : namesOf(fields['usingClause']),
    usingAlias: isTree(using) ? textOf(using['aliasname']) : undefined,
    on: planner.conditions(fields['quals']),
    ...aliasIn(fields),
  }
}

function functions(fields: Tree, planner: Planner): FromItem {
  const defined = listOf(fields['coldeflist'])
  const calls = listOf(fields['functions']).map(each => {
    const [value, definitions] = listOf(fieldsOf(each, 'List')?.['items'])
    const own = listOf(fieldsOf(definitions, 'List')?.['items'])
    return oneCall(value, own.length > 0 ? own : defined, planner)
  })
  const { alias, columns } = aliasIn(fields)
  // Without an alias it is called by its function's name.
  const [first] = listOf(fieldsOf(listOf(fields['functions'])[0], 'List')?.['items'])
  const name = outputName(first)
  // (`FROM CAST((SELECT * ...) AS text)`: by which name it is called, only the catalog knows.)
  if (typeof name !== 'string') throw new Unplannable()
  return {
    kind: 'function',
    calls,
    ordinality: fields['ordinality'] === true,
    alias: alias ?? (calls.length === 1 ? name : undefined),
    columns,
  }
}

function oneCall(value: unknown, definitions: readonly unknown[], planner: Planner): FunctionCall {
  const made = planner.expression(value)
  if (definitions.length > 0) {
    const columns = definitions.map(each => textOf(fieldsOf(each, 'ColumnDef')?.['colname']) ?? '')
    return { value: made, columns, single: false }
  }
  const call = fieldsOf(value, 'FuncCall')
  // CAST, COALESCE and their like: of any type.
  if (call === undefined) return { value: made, columns: undefined, single: false }
  const parts = namesOf(call['funcname'])
  const name = parts.at(-1) ?? ''
  const known = isBuiltInName(parts) && safeFunctions.has(name) && !openFunctions.has(name)
  if (!known) return { value: made, columns: undefined, single: false }
  const several = severalColumns.get(name)
  return several === undefined
    ? { value: made, columns: [name], single: true }
    : { value: made, columns: several, single: false }
}

/** XMLTABLE and JSON_TABLE: every column is made of all that goes in. */
function tableFunction(fields: Tree, planner: Planner, inputs: readonly string[]): FromItem {
  const names: string[] = []
  const held: unknown[] = []
  columnsOf(fields['columns'], names, held)
  const of = inputs.flatMap(input => {
    const value = fields[input]
    if (value === undefined) return []
    if (Array.isArray(value)) return [...planner.expressions(value)]
    // Bare structs of known types.
    return [planner.expression(typeOf(value) === undefined ? bare(input, value) : value)]
  })
  const columns = held.map(each => planner.expression(each))
  const { alias, columns: renamed } = aliasIn(fields)
  return {
    kind: 'function',
    calls: [
      {
        value: { kind: 'made', how: 'transformed', of: [...of, ...columns] },
        columns: names,
        single: false,
      },
    ],
    ordinality: false,
    alias: alias ?? (inputs[0] === 'docexpr' ? 'xmltable' : 'json_table'),
    columns: renamed,
  }
}

const structs: Readonly<Record<string, string>> = {
  context_item: 'JsonValueExpr',
  pathspec: 'JsonTablePathSpec',
  on_error: 'JsonBehavior',
}

function bare(input: string, value: unknown): unknown {
  const type = structs[input]
  return type === undefined ? value : { [type]: value }
}

function columnsOf(list: unknown, names: string[], held: unknown[]): void {
  for (const each of listOf(list)) {
    const fields = fieldsOf(each, 'JsonTableColumn') ?? fieldsOf(each, 'RangeTableFuncCol')
    if (fields === undefined) {
      held.push(each)
      continue
    }
    const name = textOf(fields['name']) ?? textOf(fields['colname'])
    if (name !== undefined && fields['coltype'] !== 'JTC_NESTED') names.push(name)
    for (const input of ['colexpr', 'coldefexpr']) {
      if (fields[input] !== undefined) held.push(fields[input])
    }
    for (const input of ['on_empty', 'on_error']) {
      const value = fields[input]
      if (isTree(value)) held.push(typeOf(value) === undefined ? { JsonBehavior: value } : value)
    }
    columnsOf(fields['columns'], names, held)
  }
}
