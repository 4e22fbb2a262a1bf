import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Analyser, createPostgresAnalyser, searchPathOf } from '#engines/sql'
import { hasPostgres, type PostgresServer, startPostgres } from '../../../test/servers/postgres.ts'
import { Scope } from './scope.ts'

const analyser: Analyser = await createPostgresAnalyser()

/** A session as the relay follows it: statements that ran, and ends of transactions. */
class Followed {
  readonly scope: Scope
  readonly #client: Client
  #open = false

  constructor(client: Client, path: readonly string[], user: string) {
    this.#client = client
    this.scope = new Scope(path, user)
  }

  /** False when the server refused it. */
  async run(text: string): Promise<boolean> {
    const analysis = analyser.analyse(text)
    if (!analysis.readable) throw new Error(`${text}: ${analysis.message}`)
    const [statement] = analysis.statements
    if (statement === undefined) throw new Error('one statement')
    let command: string | undefined
    try {
      command = (await this.#client.query(text)).command
    } catch {
      // Refused: in a transaction, all is refused until it is undone.
    }
    const { transaction } = statement
    if (command !== undefined) {
      this.scope.ran(statement)
      if (transaction === 'begin') this.#open = true
      if (transaction === 'commit' || transaction === 'rollback') {
        this.#open = false
        this.scope.transactionEnded(command === 'COMMIT')
      }
    }
    if (!this.#open) this.scope.transactionEnded(command !== undefined)
    return command !== undefined
  }
}

/** The same sequence in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const texts = [
  'begin',
  'begin',
  'commit',
  'rollback',
  'savepoint a',
  'savepoint a',
  'savepoint b',
  'rollback to a',
  'rollback to b',
  'release a',
  'release b',
  'set search_path = one',
  'set search_path = two, "$user"',
  'set local search_path = three',
  'set local search_path = "$user", one',
  'set search_path to default',
  'reset search_path',
  "set search_path = ''",
  `set search_path = 'odd, name', "Upper"`,
  "select set_config('search_path', 'one, two', false)",
  "select set_config('search_path', 'three', true)",
  "select set_config('search_path', 'one', false) where false",
  'set role other',
  'set role third',
  'set local role other',
  'set role none',
  'reset role',
  'set session authorization other',
  'reset session authorization',
  'reset all',
  'discard all',
  'alter role current_user set search_path = later',
  'select 1 / 0',
  'select 1',
]

for (const version of [15, 18] as const) {
  describe.skipIf(!(await hasPostgres(version)))(
    `the path and role of a session of PostgreSQL ${version}`,
    () => {
      let server: PostgresServer

      beforeAll(async () => {
        server = await startPostgres({
          version,
          init: 'create role other superuser; create role third; alter role app superuser',
        })
      })
      afterAll(() => server.stop())

      it('are what the server says they are, whatever was set, undone and saved', async () => {
        const next = numbers(version)
        const compared = { known: 0, unknown: 0 }
        for (let round = 0; round < 60; round++) {
          await server.query(`alter role ${server.user} reset search_path`)
          const { host, port, user, password, database } = server
          const client = new Client({ host, port, user, password, database })
          await client.connect()
          const session = new Followed(client, ['$user', 'public'], user)
          const said: string[] = []
          for (let step = 0; step < 25; step++) {
            const text = texts[next(texts.length)] ?? ''
            const done = await session.run(text)
            said.push(done ? text : `-- ${text}`)
            await compare(client, session.scope, said, compared)
          }
          await client.end()
        }
        expect(compared.known).toBeGreaterThan(500)
        expect(compared.unknown / compared.known).toBeLessThan(0.5)
      }, 120_000)
    },
  )
}

async function compare(
  client: Client,
  scope: Scope,
  said: readonly string[],
  compared: { known: number; unknown: number },
): Promise<void> {
  const { rows } = await client
    .query("select current_setting('search_path') as path, current_user as role")
    .catch(() => ({ rows: [] })) // a transaction that failed answers nothing
  const [row] = rows as { path: string; role: string }[]
  if (row === undefined) return
  const { role } = scope.state()
  if (role !== 'unknown') {
    expect(role === '' ? 'app' : role, said.join('; ')).toBe(row.role)
  }
  if (scope.path === undefined) {
    compared.unknown++
    return
  }
  compared.known++
  const actual = searchPathOf(row.path)?.map(part => (part === '$user' ? row.role : part))
  expect(scope.path, said.join('; ')).toEqual(actual)
}

describe('what is followed', () => {
  it('is bounded: a savepoint too many brings back what is not known', async () => {
    const scope = new Scope(['public'], 'app')
    const run = (text: string) => {
      const analysis = analyser.analyse(text)
      if (analysis.readable) for (const each of analysis.statements) scope.ran(each)
    }
    run('begin; savepoint first; set search_path = one')
    for (let at = 0; at < 1_000; at++) run(`savepoint s${at}`)
    run('rollback to first')
    expect(scope.path).toBeUndefined()
    scope.transactionEnded(false)
    expect(scope.path).toEqual(['public'])
  })

  it('is not known once code on the server has set it', () => {
    const scope = new Scope(['public'], 'app')
    scope.lose()
    expect(scope.path).toBeUndefined()
    expect(scope.state()['role']).toBe('unknown')
  })
})
