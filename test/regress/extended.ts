// The suite's statements by the extended protocol: each is sent by node-postgres (Parse, Bind, Describe, Execute,
// Sync) to the server itself and through the gateway, and the answers are compared.
import { readFileSync } from 'node:fs'
import pg from 'pg'
import { normal } from './difference.ts'
import type { Reason } from './explained.ts'
import { statementsOf } from './statements.ts'
import { type Sides, scriptOf } from './suite.ts'

export interface Pair {
  compare(name: string): Promise<PairCompared>
  close(): Promise<void>
}

export interface PairCompared {
  readonly statements: number
  /** What differs, for each statement that does; those by design apart. */
  readonly differences: readonly Difference[]
  readonly byDesign: ReadonlyMap<Reason, number>
}

export interface Difference {
  readonly statement: string
  readonly direct: string
  readonly through: string
}

/** Streams rows: psql does that. */
const NOT_SENT = /^\s*copy\b.*\b(stdin|stdout)\b/is

export async function openPair(sides: Sides): Promise<Pair> {
  const clients = [await open(sides.direct()), await open(await sides.through())]
  return {
    async compare(name) {
      const statements = statementsOf(scriptOf(name)).filter(text => !NOT_SENT.test(text))
      const differences: Difference[] = []
      const byDesign = new Map<Reason, number>()
      for (const statement of statements) {
        const [direct = '', through = ''] = await Promise.all(
          clients.map(client => answer(client, statement)),
        )
        if (direct === through) continue
        const reason = reasonOf(statement, direct, through)
        if (reason === undefined) differences.push({ statement, direct, through })
        else byDesign.set(reason, (byDesign.get(reason) ?? 0) + 1)
      }
      return { statements: statements.length, differences, byDesign }
    },
    async close() {
      for (const { client } of clients) await client.end()
    },
  }
}

const COUNTING = /\b(pg_stat(io)?_|txid_current|pg_current_xact_id)/i

/** Why two answers differ by design; undefined when they do not. */
export function reasonOf(statement: string, direct: string, through: string): Reason | undefined {
  // What the gateway's parser refuses has one SQLSTATE: the library gives the server's words, not its code.
  const unreadable = '"code": "42601"'
  if (
    through.includes(unreadable) &&
    direct.replace(/"code": "(22023|22025|22P06|0A000|22021|54001)"/, unreadable) === through
  ) {
    return 'parser SQLSTATE'
  }
  // Sessions, pages, bytes and transactions since the server started: the gateway's readings of the catalog count.
  const counts = (answer: string) => answer.replaceAll(/\d+/g, 'n')
  if (COUNTING.test(statement) && counts(direct) === counts(through)) return 'server numbers'
  const lines = (answer: string) => answer.replaceAll(/,$/gm, '').split('\n').sort().join('\n')
  return direct.includes('"rows": [') && lines(direct) === lines(through) ? 'row order' : undefined
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
    // @types/pg does not know `queryMode`.
    const query: pg.QueryArrayConfig & { queryMode: string } = {
      text,
      rowMode: 'array',
      queryMode: 'extended',
    }
    const { command, rowCount, fields, rows } = await side.client.query(query)
    seen = {
      command,
      rowCount,
      columns: fields.map(
        ({ name, dataTypeID, format }) => `${name} ${typeName(dataTypeID)} ${format}`,
      ),
      rows: rows.map(row =>
        row.map((value: unknown, at: number) =>
          fields[at]?.dataTypeID === OID ? typeName(Number(value)) : value,
        ),
      ),
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

const OID = 26

/** What comes with the server has the same number everywhere; what the suite makes does not. */
function typeName(oid: number): string {
  return oid < 16_384 ? String(oid) : 'made'
}
