// Reads a statement as it would be judged, without a session: for `policy why` and `policy test`. Without a catalog an
// unqualified name stands for the schema that it has by default.
import { type Analyser, type Analysis, type Names, toStatement } from '#engines/sql'
import { InvalidRequest, type Statement } from '#model'
import type { Catalog } from './catalog-types.ts'
import { Scope } from './scope.ts'
import { SessionNames } from './session-names.ts'
import { StatementBuilder } from './statement.ts'

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
function analysed(analyser: Analyser, text: string): Analysis {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) throw new InvalidRequest(analysis.code, analysis.message)
  return analysis
}

/** Throws InvalidRequest. */
export function readAlone(analyser: Analyser, text: string): Statement {
  return toStatement(analysed(analyser, text), defaultNames, { text, phase: 'execute' })
}

/** Throws InvalidRequest. As the first statement of a session on that catalog; `user` is the upstream's login. */
export function readAt(
  analyser: Analyser,
  catalog: Catalog,
  user: string | undefined,
  text: string,
): Statement {
  const scope = new Scope(catalog.searchPath, user)
  const builder = new StatementBuilder(analyser, catalog, scope, new SessionNames())
  return builder.build(analysed(analyser, text), text, {
    phase: 'execute',
    inTransaction: false,
    segment: 1,
    catalogDirty: false,
  })
}
