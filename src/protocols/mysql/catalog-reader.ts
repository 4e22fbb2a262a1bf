// Reads the catalog of a server by a connection of our own. Bounded: the server is not trusted.
import { Unavailable } from '#model'
import { Questions } from './questions.ts'
import { sayGoodbye, type UpstreamLogin } from './upstream.ts'

export interface CatalogTable {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'view'
  /** In order. */
  readonly columns: readonly string[]
  /** Made by an expression over others. */
  readonly generated: readonly string[]
}

const BOUNDS = { mostRows: 1_000_000, mostBytes: 256 << 20 }

const TABLES = `SELECT table_schema, table_name, table_type FROM information_schema.tables
  WHERE table_schema NOT IN ('information_schema', 'performance_schema')`
const COLUMNS = `SELECT table_schema, table_name, column_name, generation_expression FROM information_schema.columns
  WHERE table_schema NOT IN ('information_schema', 'performance_schema')
  ORDER BY table_schema, table_name, ordinal_position`

/** Ends the connection. Throws Unavailable. */
export async function readCatalog(login: UpstreamLogin): Promise<readonly CatalogTable[]> {
  const questions = new Questions(login.socket)
  try {
    const tables = await questions.ask(TABLES, BOUNDS)
    const columns = await questions.ask(COLUMNS, BOUNDS)
    questions.detach()
    sayGoodbye(login.socket)
    const byTable = new Map<string, { columns: string[]; generated: string[] }>()
    for (const [schema, table, column, expression] of columns) {
      const key = `${schema}\0${table}`
      let entry = byTable.get(key)
      if (entry === undefined) {
        entry = { columns: [], generated: [] }
        byTable.set(key, entry)
      }
      entry.columns.push(column ?? '')
      if (expression !== null && expression !== undefined && expression !== '')
        entry.generated.push(column ?? '')
    }
    return tables.map(([schema, name, kind]) => ({
      schema: schema ?? '',
      name: name ?? '',
      kind: (kind ?? '').includes('VIEW') ? 'view' : 'table',
      ...(byTable.get(`${schema}\0${name}`) ?? { columns: [], generated: [] }),
    }))
  } catch (cause) {
    login.socket.destroy()
    throw new Unavailable('catalog_unavailable', 'the catalog of the database cannot be read', {
      cause,
    })
  }
}
