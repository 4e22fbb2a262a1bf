// Where one statement ends and the next begins, and what is one at all: our parser against the servers' own, on texts
// that are nearly SQL. In a transaction that has failed a server parses, and runs nothing.
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Analyser, createPostgresAnalyser } from '../../src/engines/sql/index.ts'
import { allStatements } from '../regress/coverage.ts'
import { hasSuite } from '../regress/suite.ts'
import { hasPostgres, type PostgresServer, startPostgres } from '../servers/postgres.ts'
import { mutate, soup } from './mutations.ts'
import { Random } from './random.ts'
import { statement } from './statements.ts'

const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 20_261_121)
const COUNT = Number(process.env['DIFFERENTIAL_TEXTS'] ?? 3000)
const ABORTED = '25P02'

/** libpg_query takes parameters where only a literal or a name may stand; the server refuses such a text. */
const PARAMETER = /\$\d/

/** How many statements a text holds; `several` when more than one. */
type Reading = 'none' | 'one' | 'several' | 'refused'

class Parser {
  readonly #client: Client
  constructor(client: Client) {
    this.#client = client
  }

  async read(text: string): Promise<Reading> {
    // The first statement alone is refused because of the transaction: it must not be one that ends it.
    const simple = await this.#code(`select 1;${text}`, 'simple')
    if (simple !== ABORTED) return 'refused'
    const extended = await this.#code(text, 'extended')
    if (extended === '42601') return 'several'
    // It has ended the transaction: COMMIT and the like.
    if (extended !== ABORTED) await this.abort()
    // Nothing is refused as well. With one more behind it, it is alone or one of two.
    const alone = await this.#code(`${text}\n;select 1`, 'extended')
    return alone === '42601' ? 'one' : 'none'
  }

  async abort(): Promise<void> {
    await this.#code('rollback', 'simple')
    await this.#code('begin', 'simple')
    await this.#code('select 1/0', 'simple')
  }

  async #code(text: string, mode: 'simple' | 'extended'): Promise<string | undefined> {
    const query = mode === 'simple' ? { text } : { text, queryMode: 'extended' as const }
    return await this.#client.query(query).then(
      () => undefined,
      (error: { code?: string }) => error.code ?? 'lost',
    )
  }
}

function ours(analyser: Analyser, text: string): Reading {
  const analysis = analyser.analyse(text)
  if (!analysis.readable) return 'refused'
  const { length } = analysis.statements
  return length === 0 ? 'none' : length === 1 ? 'one' : 'several'
}

for (const version of [15, 18] as const) {
  const missing = (await hasPostgres(version)) ? '' : ' (left out: not installed)'
  describe.skipIf(missing !== '')(`the parser of PostgreSQL ${version}${missing}`, () => {
    let server: PostgresServer
    let client: Client
    let parser: Parser
    let analyser: Analyser
    beforeAll(async () => {
      server = await startPostgres({ version, auth: 'trust' })
      const { host, port, user, database } = server
      client = new Client({ host, port, user, database })
      await client.connect()
      parser = new Parser(client)
      await parser.abort()
      analyser = await createPostgresAnalyser({ maxEntries: 0 })
    })
    afterAll(async () => {
      await client?.end()
      await server?.stop()
    })

    it(`finds as many statements in a text as we do (seed ${SEED})`, async () => {
      const random = new Random(SEED + version)
      const theirs = hasSuite ? allStatements().filter(text => text.length < 1000) : ['select 1']
      const differing: unknown[] = []
      const stricter: string[] = []
      const laxer: string[] = []
      let [read, refused] = [0, 0]
      for (let at = 0; at < COUNT; at += 1) {
        const base = at % 3 === 0 ? statement(random) : random.of(theirs)
        const text = at % 10 === 9 ? soup(random) : mutate(random, base)
        if (text.includes('\0')) continue
        const [one, other] = [ours(analyser, text), await parser.read(text)]
        if (one === other) one === 'refused' ? refused++ : read++
        // What we refuse does not get there, and what the server refuses does nothing.
        else if (one === 'refused') stricter.push(text)
        else if (other === 'refused') laxer.push(text)
        else differing.push({ text, ours: one, server: other })
      }
      expect(differing.slice(0, 5)).toEqual([])
      expect(read).toBeGreaterThan(COUNT / 8)
      expect(refused).toBeGreaterThan(COUNT / 8)
      // The grammar is that of 18.
      if (version === 18) expect(laxer.filter(text => !PARAMETER.test(text))).toEqual([])
      expect(stricter.length).toBeLessThan(COUNT / 50)
    }, 300_000)

    it.skipIf(!hasSuite || version !== 18)(
      'refuses of the regression suite what we refuse',
      async () => {
        const passing: string[] = []
        for (const text of allStatements()) {
          const analysis = analyser.analyse(text)
          if (analysis.readable || analysis.code !== 'statement_unreadable') continue
          if ((await parser.read(text)) !== 'refused') passing.push(text)
        }
        expect(passing).toEqual([])
      },
    )
  })
}
