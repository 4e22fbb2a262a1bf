// TEMPORARY, on the integration branch alone: the analyser of another dialect, for texts that are the same in both. Gone
// when engines/sql exports createMysqlAnalyser; never on main.
import { type Analyser, createPostgresAnalyser, type MysqlAnalyser } from '#engines/sql'

export async function createMysqlAnalyser(): Promise<MysqlAnalyser> {
  const other: Analyser = await createPostgresAnalyser()
  const read = (text: string, analyse: Analyser['analyse']) => {
    const analysis = analyse(text)
    return analysis.readable ? { ...analysis, forward: text } : analysis
  }
  return {
    analyse: text => read(text, each => other.analyse(each)),
    analyseWithValues: text => read(text, each => other.analyseWithValues(each)),
  }
}
