// The suite's statements by the extended protocol: each is sent by node-postgres (Parse, Bind, Describe, Execute,
// Sync) to the server itself and through the gateway, and the answers are compared.
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { normal } from './difference.ts'
import { statementsOf } from './statements.ts'
import { type Sides, scriptOf } from './suite.ts'

export interface Pair {
  /** What differs, for each statement that does. */
  compare(name: string): Promise<{ statements: number; differences: readonly Difference[] }>
  close(): Promise<void>
}

export interface Difference {
  readonly statement: string
  readonly direct: string
  readonly through: string
}

/** Ends the session, changes its user for good, or streams rows: other clients of the tests do these. */
const NOT_SENT = /^\s*(copy\b.*\b(stdin|stdout)\b|set\s+session\s+authorization)/is

export async function openPair(sides: Sides): Promise<Pair> {
  const clients = [await open(sides.direct()), await open(await sides.through())]
  return {
    async compare(name) {
      const statements = statementsOf(scriptOf(name)).filter(text => !NOT_SENT.test(text))
      const differences: Difference[] = []
      for (const statement of statements) {
        const [direct = '', through = ''] = await Promise.all(
          clients.map(client => answer(client, statement)),
        )
        if (direct !== through) differences.push({ statement, direct, through })
      }
      return { statements: statements.length, differences }
    },
    async close() {
      for (const { client } of clients) await client.end()
    },
  }
}

interface Side {
  readonly client: pg.Client
  notices: string[]
}

async function open(where: Record<string, string>): Promise<Side> {
  const ca = where['PGSSLROOTCERT']
  const client = new pg.Client({
    host: where['PGHOST'] ?? '',
    port: Number(where['PGPORT']),
    user: where['PGUSER'] ?? '',
    password: where['PGPASSWORD'] ?? '',
    database: where['PGDATABASE'] ?? '',
    ...(ca === undefined ? {} : { ssl: { ca: readFileSync(ca, 'utf8'), servername: 'localhost' } }),
    // As text, as it came: nothing may hide in what a driver makes of it.
    types: { getTypeParser: () => (value: unknown) => value } as pg.CustomTypesConfig,
  })
  const side: Side = { client, notices: [] }
  client.on('notice', notice => side.notices.push(`${notice.severity} ${notice.message}`))
  client.on('error', error => side.notices.push(`lost: ${error.message}`))
  await client.connect()
  await client.query("set datestyle = 'Postgres, MDY'")
  await client.query("set timezone = 'PST8PDT'")
  return side
}

/** All that a program can see of the answer, as a text. */
async function answer(side: Side, text: string): Promise<string> {
  side.notices = []
  let seen: unknown
  try {
    const result = await side.client.query({ text, rowMode: 'array', queryMode: 'extended' })
    seen = {
      command: result.command,
      count: result.rowCount,
      columns: result.fields.map(({ name, dataTypeID, format }) => [name, dataTypeID, format]),
      rows: result.rows,
    }
  } catch (error) {
    // Safe: an error is an answer too.
    const { code, message, position, where } = error as pg.DatabaseError
    seen = { code, message, position, where }
  }
  return normal(JSON.stringify({ seen, notices: side.notices }, undefined, 1))
    .filter(line => !/^ *" *Buffers: /.test(line))
    .join('\n')
}
