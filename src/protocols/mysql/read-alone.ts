// Reads a statement as it would be judged, without a session: for `policy why` and `policy test`.
import { type MysqlAnalyser, type MysqlReading, toStatement } from '#engines/sql'
import { InvalidRequest, type Statement } from '#model'
import { unreadCatalog } from './catalog-types.ts'

/** Throws InvalidRequest with the analyser's own reason when the text cannot be read. */
export function readAlone(analyser: MysqlAnalyser, text: string, reading: MysqlReading): Statement {
  const analysis = analyser.analyse(text, reading)
  if (!analysis.readable) throw new InvalidRequest(analysis.code, analysis.message)
  const names = unreadCatalog(false).names(reading.database)
  return toStatement(analysis, names, { text, phase: 'execute' })
}
