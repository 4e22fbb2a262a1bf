// The plan of statements that are no queries: what a definition asks of rows that are there, and what moves nothing.
import type { Expression, FromItem, Plan, Query, Target } from '../lineage/index.ts'
import { fixedPlan, type Planned } from '../lineage/index.ts'
import { isQuery, planQuery } from './lineage.ts'
import { relationNameOf } from './relations.ts'
import { sensitiveRelations } from './sensitive-relations.ts'
import { fieldsOf, isTree, listOf, namesOf, someNode, type Tree, textOf, typeOf } from './tree.ts'

/** Columns of a relation, or all of them. */
export function relationPlan(relation: unknown, columns: readonly string[]): Plan {
  const targets: Target[] =
    columns.length === 0
      ? [{ kind: 'star', path: [] }]
      : columns.map(name => ({ kind: 'value', name, value: { kind: 'column', path: [name] } }))
  return { kind: 'query', query: overRows(relation, targets, []), shown: true }
}

/** They make code that runs later, on rows that other statements touch. */
const code: ReadonlySet<string> = new Set(['RuleStmt', 'CreateTrigStmt', 'DoStmt'])

/** The plan of a statement by itself; statements that wrap another one make theirs from its. */
export function planStatement(value: unknown, withValues: boolean): Planned {
  if (isQuery(value)) return planQuery(value, withValues)
  const type = typeOf(value) ?? ''
  const fields = isTree(value) ? value[type] : undefined
  if (!isTree(fields) || code.has(type)) return unknown
  // What a view shows is the catalog's to know, as of a materialized one; what it asks of columns is asked here.
  if (type === 'ViewStmt') {
    const planned = planQuery(fields['query'], withValues)
    return { ...planned, plan: notShown(planned.plan) }
  }
  if (type === 'IndexStmt') return asked(fields, fields['relation'])
  // Whose rows fit a policy is told by every statement after it; statistics are made by computing their expressions.
  if (type === 'CreatePolicyStmt' || type === 'AlterPolicyStmt')
    return asked(fields, fields['table'])
  if (type === 'CreateStatsStmt') return asked(fields, rangeOf(listOf(fields['relations'])[0]))
  if (type === 'AlterTableStmt') return orphaned(fields) ?? altered(fields)
  if (type === 'AlterDomainStmt') return checksRows(fields) ? anythingAsked : fixedPlan(0)
  if (type === 'RenameStmt' || type === 'AlterObjectSchemaStmt') return renamed(fields)
  if (someNode(fields, node => node === 'SelectStmt' || node === 'SubLink')) return unknown
  const referred = type === 'CreateStmt' ? referredIn(fields) : []
  return referred.length === 0 ? fixedPlan(0) : light(notSeen(select([], [], referred)))
}

/** A table or a column of one by another name, or in another schema. */
function renamed(fields: Tree): Planned {
  const { relation } = fields
  const object = textOf(fields['renameType']) ?? textOf(fields['objectType']) ?? ''
  // All tables of a schema: which, the text does not say.
  if (object === 'OBJECT_SCHEMA') return unknown
  if (!isTree(relation) || !/^OBJECT_((FOREIGN_)?TABLE|COLUMN)$/.test(object)) return fixedPlan(0)
  const schema = textOf(fields['newschema'])
  const name = textOf(fields['newname']) ?? ''
  const of = { kind: 'renamed', relation: relationNameOf(relation), by: 'ALTER TABLE' } as const
  if (schema !== undefined) return light({ ...of, schema })
  if (object !== 'OBJECT_COLUMN') return light({ ...of, name })
  return light({ ...of, column: { from: textOf(fields['subname']) ?? '', to: name } })
}

/** DETACH PARTITION, NO INHERIT: what was hidden as a parent's is a column like any other then. */
function orphaned(fields: Tree): Planned | undefined {
  const commands = listOf(fields['cmds']).map(each => fieldsOf(each, 'AlterTableCmd'))
  const orphan = commands.find(command =>
    /^AT_(DetachPartition|DropInherit)/.test(textOf(command?.['subtype']) ?? ''),
  )
  if (orphan === undefined) return undefined
  const { relation } = fields
  const partition = fieldsOf(orphan['def'], 'PartitionCmd')?.['name']
  const child = textOf(orphan['subtype']) === 'AT_DropInherit' ? relation : partition
  if (!isTree(child) || commands.length > 1) return unknown
  return light({ kind: 'renamed', relation: relationNameOf(child), by: 'ALTER TABLE' })
}

function light(plan: Plan): Planned {
  return { plan, nodes: 1, literalsMatter: false }
}

// (Of values that the text does not name nothing is known, as of those that a session carries.)
const anythingAsked: Planned = {
  plan: { kind: 'query', query: select([], [], [{ kind: 'carried' }]), shown: false },
  nodes: 2,
  literalsMatter: false,
}
const unknown: Planned = { plan: { kind: 'unknown' }, nodes: 1, literalsMatter: false }

/** Of a query that is named or defined here. */
export function notShown(plan: Plan): Plan {
  return plan.kind === 'query' ? { ...plan, shown: false } : plan
}

/** Expressions over the rows of a table: an error says something of them. */
function asked(fields: Tree, relation: unknown): Planned {
  const columns = columnsIn(fields)
  const query = overRows(
    relation,
    columns.map(value => ({ kind: 'value', name: '', value })),
    [...columns, ...referringIn(fields), ...referredIn(fields)],
  )
  return { plan: notSeen(query), nodes: columns.length + 4, literalsMatter: false }
}

/** REFERENCES: each row that comes in later is told whether its value is among those of the columns that it names. */
function referredIn(fields: Tree): readonly Expression[] {
  return foreignKeysIn(fields).flatMap((key): Expression[] => {
    const columns = columnsNamed(key['pk_attrs'])
    if (columns.length === 0) return []
    const query = overRows(key['pktable'], [], columns)
    return [{ kind: 'query', query, as: 'test', beside: [], at: 0 }]
  })
}

/** ... and those that are there are held against it at once. */
function referringIn(fields: Tree): readonly Expression[] {
  return foreignKeysIn(fields).flatMap(key =>
    key['skip_validation'] === true ? [] : columnsNamed(key['fk_attrs']),
  )
}

function foreignKeysIn(fields: Tree): readonly Tree[] {
  const keys: Tree[] = []
  someNode(fields, (type, node) => {
    if (type === 'Constraint' && node['contype'] === 'CONSTR_FOREIGN') keys.push(node)
    return false
  })
  return keys
}

function columnsNamed(list: unknown): readonly Expression[] {
  return namesOf(list).map(name => ({ kind: 'column', path: [name] }))
}

/** The rows of all tables with columns of the domain are held against it; which, the text does not say. */
function checksRows({ subtype, def }: Tree): boolean {
  if (subtype === 'C') return fieldsOf(def, 'Constraint')?.['skip_validation'] !== true
  return subtype === 'O' || subtype === 'V'
}

function rangeOf(value: unknown): unknown {
  return fieldsOf(value, 'RangeVar')
}

/** `ALTER COLUMN a TYPE t USING b`: `a` gets the values of `b`. */
function altered(fields: Tree): Planned {
  const planned = asked(fields, fields['relation'])
  const retyped = listOf(fields['cmds']).some(each =>
    someNode(each, (type, command) => {
      const kind = type === 'AlterTableCmd' ? textOf(command['subtype']) : undefined
      return kind === 'AT_AlterColumnType' && columnsIn(command).length > 0
    }),
  )
  return retyped
    ? { ...planned, plan: { kind: 'kept', plan: planned.plan, by: 'ALTER TABLE' } }
    : planned
}

function columnsIn(fields: Tree): readonly Expression[] {
  const columns: Expression[] = []
  someNode(fields, (type, node) => {
    if (type === 'ColumnRef') columns.push({ kind: 'column', path: namesOf(node['fields']) })
    if (type === 'SubLink') columns.push({ kind: 'unknown' })
    return false
  })
  return columns
}

function overRows(
  relation: unknown,
  targets: readonly Target[],
  asked: readonly Expression[],
): Query {
  if (!isTree(relation)) return { kind: 'unknown' }
  const rows: FromItem = {
    kind: 'relation',
    relation: relationNameOf(relation),
    alias: undefined,
    columns: [],
    opaque: sensitiveRelations(relationNameOf(relation)),
    sample: [],
  }
  return select([rows], targets, asked)
}

function notSeen(query: Query): Plan {
  return { kind: 'query', query, shown: false }
}

function select(
  from: readonly FromItem[],
  targets: readonly Target[],
  asked: readonly Expression[],
): Query {
  return {
    kind: 'select',
    from,
    targets,
    where: asked.map(value => ({ use: 'condition', value })),
    group: [],
    having: [],
    windows: [],
    distinct: false,
    distinctOn: [],
    order: [],
    limits: [],
  }
}
