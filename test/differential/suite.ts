// Runs statements on a real server and in the gateway's own reading of them, and keeps what differs.
import { Client } from 'pg'
import type { Statement } from '#model'
import { type Analyser, createPostgresAnalyser } from '../../src/engines/sql/index.ts'
import { createCatalogs } from '../../src/protocols/postgres/catalogs.ts'
import { Scope } from '../../src/protocols/postgres/scope.ts'
import { changesNames, SessionNames } from '../../src/protocols/postgres/session-names.ts'
import { StatementBuilder } from '../../src/protocols/postgres/statement.ts'
import { fakeSession } from '../../src/protocols/postgres/test-doubles.ts'
import { type PostgresServer, type PostgresVersion, startPostgres } from '../servers/postgres.ts'
import { type Cover, compare } from './compare.ts'
import { type Facts, readFacts } from './facts.ts'
import { Witness } from './witness.ts'
import { WITNESS } from './witness-sql.ts'
import { NAMES, TEMPORARY, WORLD } from './world.ts'

const LIMITS = {
  messageBytes: 64 << 20,
  heldBodyBytes: 1 << 28,
  bodyBytesPerSecond: 0,
  loginMs: 5_000,
  upstreamLoginMs: 5_000,
}

export interface Found {
  readonly text: string
  readonly misses: readonly string[]
  readonly operations: readonly string[]
}

export interface Tally {
  tried: number
  /** The server ran it to its end. */
  ran: number
  /** We refuse to read it, by reason code. */
  readonly unread: Map<string, number>
  readonly codes: Map<string, number>
  readonly covers: Map<Cover, number>
  stricter: number
  readonly found: Found[]
}

export function newTally(): Tally {
  return {
    tried: 0,
    ran: 0,
    unread: new Map(),
    codes: new Map(),
    covers: new Map(),
    stricter: 0,
    found: [],
  }
}

export interface Differential {
  /** Compares, and undoes what it did. */
  try(text: string, tally: Tally): Promise<void>
  stop(): Promise<void>
}

const SETTINGS = {
  // Trees are sent to us alone, not to the server's log.
  log_min_messages: 'fatal',
  track_functions: 'all',
  statement_timeout: '3s',
  autovacuum: 'off',
  max_prepared_transactions: '2',
}

/** Statements of any kind against the world. */
export async function startDifferential(version: PostgresVersion): Promise<Differential> {
  const init = WORLD + WITNESS
  const server = await startPostgres({ version, auth: 'trust', settings: SETTINGS, init })
  const analyser = await createPostgresAnalyser()
  const open = () => openSession(server, analyser, [...TEMPORARY, ...NAMES], NAMES)
  let session = await open()
  return {
    async try(text, tally) {
      if (await session.try(text, tally)) return
      // It ended our transaction, or the connection: what it did stays. Begin anew.
      await session.close()
      session = await open()
    },
    async stop() {
      await session.close()
      await server.stop()
    },
  }
}

export interface Evolving {
  /** Compares each statement, then runs it for good, so that later ones find what it made. */
  run(texts: readonly string[], tally: Tally): Promise<void>
  stop(): Promise<void>
}

/** Statements that build on each other, in a database of their own. */
export async function startEvolving(version: PostgresVersion): Promise<Evolving> {
  const init = `alter role app superuser; ${WITNESS}`
  const server = await startPostgres({ version, auth: 'trust', settings: SETTINGS, init })
  const analyser = await createPostgresAnalyser()
  return {
    async run(texts, tally) {
      const session = await openSession(server, analyser, [], [])
      for (const text of texts) await session.follow(text, tally)
      await session.close()
    },
    stop: () => server.stop(),
  }
}

interface Session {
  /** False when the session is spoilt. */
  try(text: string, tally: Tally): Promise<boolean>
  /** Compares it, unless it is about transactions or names, and runs it for good. */
  follow(text: string, tally: Tally): Promise<void>
  close(): Promise<void>
}

async function openSession(
  server: PostgresServer,
  analyser: Analyser,
  first: readonly string[],
  kept: readonly string[],
): Promise<Session> {
  const client = new Client({
    host: server.host,
    port: server.port,
    user: server.user,
    database: server.database,
  })
  client.on('error', () => {}) // a statement may end the connection: the query that waits rejects
  await client.connect()
  const names = new SessionNames()
  const scope = new Scope(['$user', 'public'], server.user)
  for (const text of first) {
    await client.query(text)
    const analysis = analyser.analyse(text)
    if (!analysis.readable) throw new Error(analysis.message)
    for (const each of analysis.statements) names.ran(each, text, scope.key)
  }
  const double = fakeSession(
    { host: server.host, port: server.port, database: server.database, tls: 'disable' },
    { user: server.user, secrets: {} },
  )
  const { catalog, leave } = createCatalogs(() => performance.now()).join(
    double,
    server.database,
    LIMITS,
  )
  await catalog.fresh()
  const builder = new StatementBuilder(analyser, catalog, scope, names)
  const witness = new Witness(client, kept)
  const parts = { analyser, builder, witness, facts: await readFacts(client) }
  let stale = false
  return {
    try: (text, tally) => tryOne(text, tally, parts),
    async follow(text, tally) {
      const analysis = analyser.analyse(text)
      const statements = analysis.readable ? analysis.statements : []
      if (statements.some(each => each.transaction !== undefined)) return
      if (stale) {
        await catalog.refresh()
        parts.facts = await readFacts(client)
        stale = false
      }
      if (!statements.some(changesNames)) await tryOne(text, tally, parts)
      if (!(await witness.keep(text))) return
      for (const each of statements) {
        scope.ran(each)
        names.ran(each, text, scope.key)
        stale ||= each.changesCatalog
      }
      names.transactionEnded()
      scope.transactionEnded(true)
    },
    async close() {
      leave()
      await client.end().catch(() => {}) // it is gone already
    },
  }
}

interface Parts {
  readonly analyser: Analyser
  readonly builder: StatementBuilder
  readonly witness: Witness
  facts: Facts
}

async function tryOne(text: string, tally: Tally, parts: Parts): Promise<boolean> {
  const analysis = parts.analyser.analyse(text)
  tally.tried += 1
  if (!analysis.readable) {
    // Refused: whatever it does, it does not get there. That we do not refuse too much is counted.
    count(tally.unread, analysis.code)
    return true
  }
  const statement = parts.builder.build(analysis, text, {
    phase: 'execute',
    inTransaction: true,
    segment: 0,
    catalogDirty: false,
  })
  const account = await parts.witness.run(text)
  if (account.refused === undefined) tally.ran += 1
  else count(tally.codes, account.refused.code)
  const verdict = compare(analysis, statement, account, parts.facts)
  for (const [cover, by] of verdict.covers) count(tally.covers, cover, by)
  if (verdict.stricter) tally.stricter += 1
  if (verdict.misses.length > 0) {
    tally.found.push({ text, misses: verdict.misses, operations: spelled(statement) })
  }
  return account.undone
}

function count<K>(counts: Map<K, number>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function spelled({ operations }: Statement): string[] {
  return operations.map(
    ({ action, verb, object, columns, flags }) =>
      `${action} ${verb} ${object.kind}:${object.name}(${columns.join(',')})[${flags.join(' ')}]`,
  )
}
