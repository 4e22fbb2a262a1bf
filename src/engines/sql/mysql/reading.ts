// How a MySQL or MariaDB server reads a text: what must be known of it, and what the gateway pins. Knows no connection.
import type { Analysis, Unreadable } from '../analysis.ts'

/** What the meaning of a text hangs on besides its words. */
export interface MysqlReading {
  readonly flavour: 'mysql' | 'mariadb'
  /** As executable comments write it: 80042 for 8.0.42, 101119 for 10.11.19. */
  readonly version: number
  /** The default database as the server spells it; undefined: none is chosen. */
  readonly database: string | undefined
  /** LOAD DATA LOCAL is read; without it the text is refused. */
  readonly localFiles?: boolean
}

export interface MysqlAnalysis extends Analysis {
  /**
   * What is to be sent in the text's place: executable comments are expanded as this server would, all else is as it
   * was. The very same string when there are none.
   */
  readonly forward: string
}

export interface MysqlAnalyser {
  analyse(text: string, reading: MysqlReading): MysqlAnalysis | Unreadable
  /** The same with the values that columns are compared with in its plans; read anew each time. */
  analyseWithValues(text: string, reading: MysqlReading): MysqlAnalysis | Unreadable
}

/** Modes of `sql_mode` that change where a word or a literal ends, or what an operator is. They stay off. */
const readingModes: ReadonlySet<string> = new Set([
  'ANSI_QUOTES',
  'NO_BACKSLASH_ESCAPES',
  'PIPES_AS_CONCAT',
  'IGNORE_SPACE',
  'HIGH_NOT_PRECEDENCE',
  'EMPTY_STRING_IS_NULL',
  // These stand for several, of those above too; ORACLE and MSSQL read another grammar.
  'ANSI',
  'DB2',
  'MAXDB',
  'MSSQL',
  'MYSQL323',
  'MYSQL40',
  'ORACLE',
  'POSTGRESQL',
])

/** A value of `sql_mode` without the modes that must be off: what the gateway sets when a session begins. */
export function pinnedSqlMode(mode: string): string {
  const modes = mode.split(',').map(each => each.trim().toUpperCase())
  return modes.filter(each => each !== '' && !readingModes.has(each)).join(',')
}

/** True for a value of `sql_mode` under which a text reads as we read it. */
export function keepsReading(mode: string): boolean {
  // A number is a set of bits, other than by name in each version.
  if (/^\s*\d*\s*$/.test(mode)) return mode.trim() === ''
  return mode.split(',').every(each => !readingModes.has(each.trim().toUpperCase()))
}
