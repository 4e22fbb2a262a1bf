// Reads a statement as it would be judged, without a session: for `policy why` and `policy test`.
import {
  type MysqlAnalyser,
  type MysqlAnalysis,
  type MysqlReading,
  toStatement,
} from '#engines/sql'
import { InvalidRequest, type Statement } from '#model'
import { type Catalog, unreadCatalog } from './catalog-types.ts'
import type { MysqlSettings } from './settings.ts'
import { StatementBuilder } from './statement.ts'

/** Throws InvalidRequest with the analyser's own reason when the text cannot be read. */
function analysed(analyser: MysqlAnalyser, text: string, reading: MysqlReading): MysqlAnalysis {
  const analysis = analyser.analyse(text, reading)
  if (!analysis.readable) throw new InvalidRequest(analysis.code, analysis.message)
  return analysis
}

/** Throws InvalidRequest. */
export function readAlone(analyser: MysqlAnalyser, text: string, reading: MysqlReading): Statement {
  const names = unreadCatalog(false).names(reading.database)
  return toStatement(analysed(analyser, text, reading), names, { text, phase: 'execute' })
}

/** Throws InvalidRequest. As the first statement of a session on that catalog. */
export function readAt(
  analyser: MysqlAnalyser,
  catalog: Catalog,
  { database, localInfile }: Pick<MysqlSettings, 'database' | 'localInfile'>,
  text: string,
): Statement {
  const reading = { ...catalog.server, database, localFiles: localInfile }
  const builder = new StatementBuilder(analyser, catalog, reading)
  return builder.build(analysed(analyser, text, reading), text, {
    phase: 'execute',
    inTransaction: false,
    database,
  })
}
