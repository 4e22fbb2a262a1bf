// The room of SQL: what a text does, by the server's own grammar. Knows no connection and no policy.

export { type Analyser, type AnalyserOptions, createPostgresAnalyser } from './analyser.ts'
export type {
  Analysis,
  CopyOptions,
  CopyShape,
  RawOperation,
  RelationName,
  SettingChange,
  SqlStatement,
  TransactionVerb,
  Unreadable,
} from './analysis.ts'
export {
  type DefinedNames,
  DefinitionLog,
  DefinitionLogs,
  type OpenDefinitions,
  type ReadNames,
} from './definition-log.ts'
export { type ColumnOrigins, expandColumns, expandLineage, fitting } from './expansion.ts'
export { alike, foldedName, isBeyondAscii } from './lineage/index.ts'
export { createMysqlAnalyser } from './mysql/analyser.ts'
export { type ReadStatement, readMysqlBody } from './mysql/bodies.ts'
export { mysqlNames } from './mysql/name-rules.ts'
export { mysqlGrammar } from './mysql/parser.ts'
export {
  keepsReading,
  type MysqlAnalyser,
  type MysqlAnalysis,
  type MysqlReading,
  pinnedSqlMode,
} from './mysql/reading.ts'
export type { Names, ResolvedRelation, ResolvedRoutine, ResolvedRule } from './names.ts'
export { occasion } from './occasions.ts'
export { type Code, readRoutine, readRule } from './postgres/bodies.ts'
export { searchPathOf } from './postgres/search-path.ts'
export { holdsAnyValue } from './postgres/sensitive-relations.ts'
export { comparedValues, type StatementContext, toStatement } from './to-statement.ts'
