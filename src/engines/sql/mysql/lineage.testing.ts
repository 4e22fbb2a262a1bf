// For tests of lineage: texts by the parser alone, and a catalog of a few tables.
import { init, parse } from '@guanmingchiu/sqlparser-ts'
import type { ComparedValue, Lineage } from '#model'
import {
  type LineageNames,
  type NamedRelation,
  type Plan,
  resolveCompared,
  resolveLineage,
} from '../lineage/index.ts'
import { planStatement, type StatementPlanOptions } from './lineage.ts'
import { mysqlNames } from './name-rules.ts'

const tables: Readonly<Record<string, Partial<NamedRelation>>> = {
  customers: { columns: ['id', 'name', 'ssn'], numeric: new Set(['id']) },
  orders: { columns: ['id', 'customer_id', 'note'], numeric: new Set(['id', 'customer_id']) },
  veiled: { columns: ['id', 'shown'], hidden: ['ssn'], numeric: new Set(['id']) },
}

const names: LineageNames = {
  relations: ({ schema, name }) => {
    const found = tables[name]
    if (found === undefined || (schema ?? 'shop') !== 'shop') return []
    return [{ object: name, columns: [], systemColumns: false, ...found }]
  },
  overloaded: ({ name }) => name === 'mine',
  isSafeFunction: () => false,
  isOtherFunction: () => false,
  isPlainType: () => true,
  isSystemColumn: () => false,
  rules: mysqlNames,
}

await init()

export function planOf(text: string, more: Partial<StatementPlanOptions> = {}): Plan {
  const [statement] = parse(text, 'mysql')
  return planStatement(statement, { flavour: 'mariadb', ...more })?.plan ?? { kind: 'unknown' }
}

export function lineageOf(
  text: string,
  more: Partial<StatementPlanOptions & LineageNames> = {},
): Lineage {
  return resolveLineage(planOf(text, more), { ...names, ...more })
}

export function comparedIn(text: string): readonly ComparedValue[] | 'unknown' {
  return resolveCompared(planOf(text, { withValues: true }), names)
}
