// A stand-in for psql on machines that lack it: `sql -c TEXT` connects by the PG* environment, as psql does, and
// prints the answer as a table. It knows nothing of Sallyport: any PostgreSQL client would do.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Client, DatabaseError } from 'pg'

const { values } = parseArgs({ options: { command: { type: 'string', short: 'c' } } })
process.exitCode = await main(values.command ?? readFileSync(0, 'utf8'))

async function main(text: string): Promise<number> {
  const env = process.env
  const db = new Client({
    host: env['PGHOST'],
    port: Number(env['PGPORT'] ?? 5432),
    user: env['PGUSER'],
    password: env['PGPASSWORD'],
    database: env['PGDATABASE'],
    ssl: env['PGSSLROOTCERT'] ? { ca: readFileSync(env['PGSSLROOTCERT'], 'utf8') } : false,
    types: { getTypeParser: () => (value: unknown) => value },
  })
  db.on('notice', notice => console.error(`NOTICE:  ${notice.message}`))
  try {
    await db.connect()
    const answers: unknown = await db.query(text)
    for (const answer of Array.isArray(answers) ? answers : [answers]) print(answer)
    await db.end()
    return 0
  } catch (error) {
    if (!(error instanceof DatabaseError)) console.error(`sql: ${String(error)}`)
    else {
      console.error(`ERROR:  ${error.message}`)
      if (error.detail) console.error(`DETAIL:  ${error.detail}`)
      if (error.hint) console.error(`HINT:  ${error.hint}`)
    }
    await db.end().catch(() => {
      // The connection is gone: the error that ended it was printed.
    })
    return 1
  }
}

function print(answer: {
  command: string
  rowCount: number | null
  fields: readonly { name: string }[]
  rows: readonly Record<string, string | null>[]
}): void {
  if (answer.fields.length === 0) {
    console.log(`${answer.command} ${answer.rowCount ?? ''}`)
    return
  }
  const names = answer.fields.map(field => field.name)
  const rows = answer.rows.map(row => names.map(name => row[name] ?? ''))
  const widths = names.map((name, at) =>
    Math.max(name.length, ...rows.map(r => (r[at] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    ` ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')}`.trimEnd()
  console.log(line(names))
  console.log(widths.map(width => '-'.repeat(width + 2)).join('+'))
  for (const row of rows) console.log(line(row))
  console.log(`(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`)
}
