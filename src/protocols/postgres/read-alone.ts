// Reads a statement as it would be judged, without a session and without a catalog: for `policy why` and
// `policy test`. An unqualified name stands for the schema that it has by default.
import { type Analyser, type Names, toStatement } from '#engines/sql'
import { InvalidRequest, type Statement } from '#model'

const defaultNames: Names = {
  resolve: ({ schema, name }) => [
    {
      object: `${schema ?? (name.startsWith('pg_') ? 'pg_catalog' : 'public')}.${name}`,
      kind: 'table',
      columns: [],
    },
  ],
  creationSchema: 'public',
}

/** Throws InvalidRequest with the analyser's own reason when the text cannot be read. */
export function readAlone(analyser: Analyser, text: string): Statement {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) throw new InvalidRequest(analysis.code, analysis.message)
  return toStatement(analysis, defaultNames, { text, phase: 'execute' })
}
