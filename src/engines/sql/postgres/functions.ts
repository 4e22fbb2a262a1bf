// Calls. Functions are an allow-list: what is not known to be safe is an operation of its own (`execute`).
import { builtInTypes, otherFunctions, safeFunctions } from './catalog-names.ts'
import { categoryOfBuiltIn, categoryOfForeign } from './function-categories.ts'
import { onlyOwnValues } from './lineage.ts'
import { addSetting, isPublicSetting, settingChange } from './settings.ts'
import { constantOf, fieldsOf, listOf, namesOf, type Tree } from './tree.ts'
import type { Walk } from './walk.ts'

/** The bare name of a call that means pg_catalog (search_path has it first), else undefined. */
export function builtInName(parts: readonly string[]): string | undefined {
  if (parts.length === 1) return parts[0]
  return parts.length === 2 && parts[0] === 'pg_catalog' ? parts[1] : undefined
}

export function functionCall(fields: Tree, walk: Walk): void {
  const parts = namesOf(fields['funcname'])
  const name = builtInName(parts)
  const { draft } = walk
  draft.functions.push(name ?? parts.join('.'))
  if (name === 'set_config') setConfig(fields, walk)
  else if (name === 'nextval' || name === 'setval') sequence(name, fields, walk)
  else if (name === 'current_setting' && isPublicSetting(literal(fields, 0, walk))) {
    // The value of a setting that tells nothing.
  } else if (name === undefined || !safeFunctions.has(name)) {
    const known = name !== undefined && otherFunctions.has(name)
    call(known ? `pg_catalog.${name}` : parts.join('.'), walk)
    if (known && parts.length === 1) draft.presumedBuiltIn.push(name)
  } else if (parts.length === 1) draft.presumedBuiltIn.push(name)
  walk.children('FuncCall', fields, ['funcname'])
}

/** A call of a function that is not known to be harmless. */
export function call(name: string, { draft }: Walk): void {
  const bare = name.slice(name.lastIndexOf('.') + 1)
  const builtIn = name.startsWith('pg_catalog.')
  const category = builtIn ? categoryOfBuiltIn(bare) : categoryOfForeign(bare)
  draft.add('execute', 'SELECT', { name, kind: 'function' }, [], category)
}

/** The value of an argument when it is a literal, with or without a cast to a built-in type. */
function literal(
  fields: Tree,
  index: number,
  walk: Walk,
): string | number | boolean | null | undefined {
  walk.draft.literalsMatter = true
  return constantOf(uncast(listOf(fields['args'])[index]))
}

function uncast(value: unknown): unknown {
  const cast = fieldsOf(value, 'TypeCast')
  if (cast === undefined) return value
  const type = cast['typeName']
  const names = type instanceof Object && 'names' in type ? namesOf(type.names) : []
  return builtInTypes.has(names.at(-1) ?? '') ? uncast(cast['arg']) : value
}

const parameterNames = ['setting_name', 'new_value', 'is_local']

function setConfig(fields: Tree, walk: Walk): void {
  const { draft } = walk
  draft.literalsMatter = true
  const given = new Map<string, unknown>()
  listOf(fields['args']).forEach((arg, index) => {
    const named = fieldsOf(arg, 'NamedArgExpr')
    const key = named === undefined ? parameterNames[index] : String(named['name'])
    given.set(key ?? '', named === undefined ? arg : named['arg'])
  })
  if (restrictsDump(given, walk)) {
    const change = { name: DUMP_SETTING, value: DUMP_VALUE, known: true, local: false }
    addSetting(settingChange(change, draft), 'SET', DUMP_SETTING, draft)
    // A temporary relation may pass for pg_settings, and its `=` for PostgreSQL's: then another name was set.
    draft.settings.push({ name: 'search_path', value: undefined, local: false })
    return
  }
  const value = given.get('new_value')
  const local = truth(constantOf(uncast(given.get('is_local'))))
  const name = constantOf(uncast(given.get('setting_name')))
  const action = settingChange(
    {
      name,
      // Whether it outlives the transaction must be known too, or the value afterwards is not.
      value:
        typeof local === 'boolean' && runsOnce(fields, walk)
          ? constantOf(uncast(value))
          : undefined,
      // A value taken from a table could be read back by SHOW, past the mask.
      known: fields['func_variadic'] !== true && onlyOwnValues(value),
      local: local === true,
    },
    draft,
  )
  addSetting(action, 'SET', name, draft)
}

/** True for a call that is a column of a query of one row: one that may run never, or later, sets nothing that is known. */
function runsOnce(fields: Tree, { query }: Walk): boolean {
  if (query === undefined) return false
  const plain = Object.keys(query).every(key => oneRow.has(key))
  return (
    plain &&
    listOf(query['targetList']).some(each => {
      const target = fieldsOf(each, 'ResTarget')
      return fieldsOf(target?.['val'], 'FuncCall') === fields
    })
  )
}

const oneRow: ReadonlySet<string> = new Set(['targetList', 'limitOption', 'op'])

const DUMP_SETTING = 'restrict_nonsystem_relation_kind'
const DUMP_VALUE = 'view, foreign-table'

/**
 * pg_dump (of August 2024 and later) asks every server, word for word, so that those without the setting answer nothing:
 * `SELECT set_config(name, 'view, foreign-table', false) FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind'`.
 * The name is no literal, but the WHERE beside it says which one it is.
 */
function restrictsDump(given: ReadonlyMap<string, unknown>, walk: Walk): boolean {
  const { query } = walk
  if (query === undefined || given.size !== 3) return false
  const clauses = Object.keys(query)
    .filter(key => key !== 'limitOption' && key !== 'op')
    .sort()
  if (clauses.join(' ') !== 'fromClause targetList whereClause') return false
  const [target, ...others] = listOf(query['targetList'])
  const [from, ...joined] = listOf(query['fromClause'])
  const relation = fieldsOf(from, 'RangeVar')
  const where = fieldsOf(query['whereClause'], 'A_Expr')
  return (
    others.length + joined.length === 0 &&
    fieldsOf(fieldsOf(target, 'ResTarget')?.['val'], 'FuncCall') !== undefined &&
    relation?.['relname'] === 'pg_settings' &&
    (relation['schemaname'] ?? 'pg_catalog') === 'pg_catalog' &&
    relation['alias'] === undefined &&
    where?.['kind'] === 'AEXPR_OP' &&
    namesOf(where['name']).join('.') === '=' &&
    isNameColumn(where['lexpr']) &&
    constantOf(where['rexpr']) === DUMP_SETTING &&
    isNameColumn(given.get('setting_name')) &&
    constantOf(given.get('new_value')) === DUMP_VALUE &&
    constantOf(given.get('is_local')) === false
  )
}

function isNameColumn(value: unknown): boolean {
  const fields = listOf(fieldsOf(value, 'ColumnRef')?.['fields'])
  return fields.length === 1 && namesOf(fields)[0] === 'name'
}

/** A literal's truth as far as it is plain. */
function truth(value: string | number | boolean | null | undefined): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 't') return true
  return value === 'false' || value === 'f' ? false : undefined
}

function sequence(name: string, fields: Tree, walk: Walk): void {
  // A column's default is noted here, not asked for.
  if (walk.scope === undefined && walk.use.action === 'define') return
  const text = literal(fields, 0, walk)
  const parts = typeof text === 'string' ? identifiers(text) : undefined
  if (parts === undefined) {
    call(`pg_catalog.${name}`, walk)
    return
  }
  const relation = { schema: parts.at(-2), name: parts.at(-1) ?? '' }
  walk.draft.touch('write', name.toUpperCase(), relation, [])
}

/** `Schema."Name"` as regclass reads it; undefined when it is anything else. */
export function identifiers(text: string): string[] | undefined {
  const parts: string[] = []
  const part = /\s*(?:"((?:[^"]|"")+)"|([a-zA-Z_\u0080-\uffff][\w$\u0080-\uffff]*))\s*(\.|$)/y
  while (part.lastIndex < text.length || parts.length === 0) {
    const found = part.exec(text)
    if (found === null) return undefined
    parts.push(
      found[1] === undefined
        ? (found[2] ?? '').replace(/[A-Z]/g, each => each.toLowerCase())
        : found[1].replaceAll('""', '"'),
    )
    if (found[3] === '') return parts.length <= 3 ? parts : undefined
  }
  return undefined
}
