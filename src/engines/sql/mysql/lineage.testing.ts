// For tests of lineage: texts as they are read, but for their first words, and a catalog of a few tables.
import { init, parse } from '@guanmingchiu/sqlparser-ts'
import type { ComparedValue, Lineage } from '#model'
import {
  type LineageNames,
  type NamedRelation,
  type Plan,
  resolveCompared,
  resolveLineage,
} from '../lineage/index.ts'
import { tokenize } from './lexer.ts'
import { planStatement, type StatementPlanOptions } from './lineage.ts'
import { mysqlNames } from './name-rules.ts'
import { treeOf } from './parsed.ts'
import type { Parser } from './parser.ts'

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

const parser: Pick<Parser, 'parse'> = { parse: text => parse(text, 'mysql') }
const reader = {
  parser: parser as Parser,
  flavour: 'mariadb',
  database: 'shop',
  withValues: false,
  localFiles: false,
} as const

export function planOf(text: string, more: Partial<StatementPlanOptions> = {}): Plan {
  return planOfTree(treeOf(tokenize(text), reader), more)
}

function planOfTree(tree: unknown, more: Partial<StatementPlanOptions> = {}): Plan {
  return planStatement(tree, { flavour: 'mariadb', ...more })?.plan ?? { kind: 'unknown' }
}

/** By the grammar alone, ahead of what refuses it where lexer and grammar disagree. */
export function lineageByGrammar(text: string): Lineage {
  return resolveLineage(planOfTree(reader.parser.parse(text)[0]), names)
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
