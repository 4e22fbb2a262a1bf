// What the server calls an output that is given no name (FigureColname of parse_target.c): a sub-query's columns
// are found by these.
import { fieldsOf, isTree, listOf, nameOf, namesOf, type Tree, textOf, typeOf } from './tree.ts'

interface Named {
  /** A query: it is called as the first of its columns, which a star hides. */
  readonly name: string | { readonly query: unknown }
  /** 1: a cast around it gives its own name. */
  readonly strength: 0 | 1 | 2
}

const NONE: Named = { name: '?column?', strength: 0 }

/** The name, or the query whose first column has it. */
export function outputName(value: unknown): Named['name'] {
  return figure(value, 0).name
}

const fixed: Readonly<Record<string, string>> = {
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  XmlSerialize: 'xmlserialize',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
}

const jsonNames: Readonly<Record<string, string>> = {
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
}

/** Nested deeper, it is no name that anybody asks for. */
const DEEPEST = 200

function figure(value: unknown, depth: number): Named {
  const type = typeOf(value)
  if (type === undefined || !isTree(value) || depth > DEEPEST) return NONE
  const fields = value[type]
  if (!isTree(fields)) return NONE
  const known = fixed[type]
  if (known !== undefined) return surely(known)
  switch (type) {
    case 'ColumnRef':
      return surelyOr(lastName(fields['fields']), NONE)
    case 'A_Indirection':
      return surelyOr(lastName(fields['indirection']), figure(fields['arg'], depth + 1))
    case 'FuncCall':
      return surelyOr(namesOf(fields['funcname']).at(-1), NONE)
    case 'A_Expr':
      return fields['kind'] === 'AEXPR_NULLIF' ? surely('nullif') : NONE
    case 'TypeCast':
      return weaker(figure(fields['arg'], depth + 1), typeName(fields))
    case 'CollateClause':
      return figure(fields['arg'], depth + 1)
    case 'CaseExpr':
      return weaker(figure(fields['defresult'], depth + 1), 'case')
    case 'SubLink':
      return ofSubLink(fields, depth)
    case 'MinMaxExpr':
      return surely(fields['op'] === 'IS_LEAST' ? 'least' : 'greatest')
    case 'SQLValueFunction':
      return surely(sqlValueName(textOf(fields['op']) ?? ''))
    case 'XmlExpr':
      return fields['op'] === 'IS_DOCUMENT' ? NONE : surely(xmlName(textOf(fields['op']) ?? ''))
    case 'JsonFuncExpr':
      return surelyOr(jsonNames[textOf(fields['op']) ?? ''], NONE)
    default:
      return NONE
  }
}

function surely(name: string): Named {
  return { name, strength: 2 }
}

function surelyOr(name: string | undefined, otherwise: Named): Named {
  return name === undefined ? otherwise : surely(name)
}

function weaker(inner: Named, name: string | undefined): Named {
  return inner.strength > 1 || name === undefined ? inner : { name, strength: 1 }
}

/** The last name of a path: stars and subscripts have none. */
function lastName(list: unknown): string | undefined {
  return namesOf(list).at(-1)
}

function typeName(fields: Tree): string | undefined {
  const type = fields['typeName']
  return isTree(type) ? namesOf(type['names']).at(-1) : undefined
}

function ofSubLink(fields: Tree, depth: number): Named {
  if (fields['subLinkType'] === 'EXISTS_SUBLINK') return surely('exists')
  if (fields['subLinkType'] === 'ARRAY_SUBLINK') return surely('array')
  if (fields['subLinkType'] !== 'EXPR_SUBLINK') return NONE
  const whole = fields['subselect']
  let query = fieldsOf(whole, 'SelectStmt')
  for (let level = 0; isTree(query?.['larg']) && level < DEEPEST; level++) query = query['larg']
  if (query === undefined) return NONE
  if (query['valuesLists'] !== undefined) return surely('column1')
  const target = fieldsOf(listOf(query['targetList'])[0], 'ResTarget')
  if (isStar(target?.['val'])) return { name: { query: whole }, strength: 2 }
  const name = textOf(target?.['name'])
  return name === undefined ? { ...figure(target?.['val'], depth + 1), strength: 2 } : surely(name)
}

/** `*`, `t.*`, `(x).*`: which column comes first is not known from the text. */
export function isStar(value: unknown): boolean {
  const parts =
    fieldsOf(value, 'ColumnRef')?.['fields'] ?? fieldsOf(value, 'A_Indirection')?.['indirection']
  return typeOf(listOf(parts).at(-1)) === 'A_Star'
}

/** `SVFOP_CURRENT_TIME_N` is `current_time`. */
function sqlValueName(op: string): string {
  const name = op
    .replace(/^SVFOP_/, '')
    .replace(/_N$/, '')
    .toLowerCase()
  return name
}

/** `IS_XMLCONCAT` is `xmlconcat`. */
function xmlName(op: string): string {
  return op.replace(/^IS_/, '').toLowerCase()
}

/** The text of a name in a list of nodes. */
export function aliasNames(list: unknown): readonly string[] {
  return listOf(list).map(each => nameOf(each) ?? '')
}
