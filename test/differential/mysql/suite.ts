// Runs texts on a real MariaDB and asks two things of each: did it write, and had the analyser called it a read?
// And what the analyser sends in a text's place must be answered as the text itself.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Connection } from 'mysql2/promise'
import { type MariadbServer, startMariadb } from '../../servers/mariadb.ts'
import { type Answer, type MysqlClient, openMysql } from '../../servers/mysql-client.ts'
import { FLAGS } from '../../servers/mysql-packets.ts'
import { FINGERPRINT, READING, WORLD } from './world.ts'

/** What is thought of a text before it runs. */
export interface Thought {
  /** `read`: nothing but reading. `other`: it is said to do more. */
  readonly kind: 'refused' | 'read' | 'other'
  readonly forward: string
  /** It is said to change a setting: the relay judges that. */
  readonly sets: boolean
  readonly words: string
}

export interface Outcome {
  readonly text: string
  readonly thought: Thought
  /** It left something behind that outlives its session. */
  readonly wrote: boolean
  /** What changed of how the session reads the next text; `unread`: texts read otherwise than the gateway reads them. */
  readonly turned: 'no' | 'yes' | 'unread'
  readonly failed: boolean
  /** What the text itself is answered, where another one is sent in its place and answered otherwise. */
  readonly otherwise: string | undefined
}

export interface Differential {
  readonly server: MariadbServer
  /** `sqlMode`: what the session begins with. */
  run(text: string, thought: Thought, sqlMode?: string): Promise<Outcome>
  stop(): Promise<void>
}

const USER = 'differ'

export async function startDifferential(): Promise<Differential> {
  const server = await startMariadb({
    database: 'scratch',
    settings: {
      'lock-wait-timeout': '1',
      'innodb-lock-wait-timeout': '1',
      'event-scheduler': 'off',
    },
    init: `create user ${USER} identified by 'differ'; grant all on *.* to ${USER} with grant option;`,
  })
  // What looks is another session than the one that runs.
  const eye: Connection = await server.session({ rowsAsArray: true })
  let client: MysqlClient | undefined
  let baseline = ''

  const files = () =>
    readdirSync(server.files)
      .sort()
      .map(name => `${name}:${readFileSync(join(server.files, name)).length}`)
      .join()

  async function look(): Promise<string> {
    // Something that is gone is a change, too.
    const rows = await eye.query(FINGERPRINT).then(
      ([found]) => JSON.stringify(found),
      (error: Error) => error.message,
    )
    return `${rows} ${files()}`
  }

  async function restore(): Promise<void> {
    const [users] = (await eye.query(
      `select user, host, is_role from mysql.user where user not in ('root', 'mariadb.sys', '${USER}')`,
    )) as unknown as [[string, string, string][], unknown]
    for (const [user, host, role] of users) {
      if (role === 'Y') await eye.query('drop role ??', [user])
      else await eye.query('drop user ?@?', [user, host])
    }
    const [databases] = (await eye.query('show databases')) as unknown as [[string][], unknown]
    for (const [name] of databases) {
      if (/^(mysql|sys|information_schema|performance_schema)$/.test(name)) continue
      await eye.query('drop database ??', [name])
    }
    await eye.query('uninstall soname if exists "query_response_time"')
    await eye.query(`delete from mysql.servers; delete from mysql.table_stats; delete from mysql.column_stats; delete from mysql.index_stats;
      ${GLOBALS.map(name => `set global ${name} = default;`).join('')}
      set global max_connections = 400, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1;
      create user app; flush privileges; ${WORLD}`)
    rmSync(server.files, { recursive: true, force: true })
    mkdirSync(server.files)
    writeFileSync(join(server.files, 'in'), '7\tseven\n')
    baseline = await look()
  }

  async function session(sqlMode: string): Promise<MysqlClient> {
    if (client?.packets.ended !== false) {
      client = await openMysql({
        port: server.port,
        user: USER,
        password: 'differ',
        tls: false,
        flags: FLAGS.multiStatements,
      })
    } else {
      await client.ask(Buffer.from([0x1f]))
    }
    await client.ask(Buffer.from('\x02scratch'))
    await client.query(`set names utf8mb4, sql_mode = '${sqlMode}', max_statement_time = 3`)
    return client
  }

  async function ask(text: string, sqlMode: string) {
    const asked = await session(sqlMode)
    const before = shown(await asked.query(READING))
    const answers = await asked.query(text)
    const after = asked.packets.ended ? before : shown(await asked.query(READING))
    const turned: Outcome['turned'] =
      after === before ? 'no' : OTHER_READING.test(after) ? 'unread' : 'yes'
    if (!asked.packets.ended) await asked.ask(Buffer.from([0x1f]))
    return {
      answer: shown(answers),
      turned,
      failed: answers.some(({ error }) => error !== undefined),
    }
  }

  await restore()
  return {
    server,
    async run(raw, thought, sqlMode = DEFAULT_MODE) {
      const text = raw.replaceAll('@FILES@', server.files)
      const forward = thought.forward.replaceAll('@FILES@', server.files)
      // What the gateway sends is what runs.
      const { answer, turned, failed } = await ask(forward, sqlMode)
      const wrote = (await look()) !== baseline
      if (wrote) await restore()
      let otherwise: string | undefined
      if (thought.kind === 'read' && forward !== text && !thought.sets && !MOVES.test(text)) {
        const own = await ask(text, sqlMode)
        // What the server would have refused may be answered: what is sent has been judged.
        if (own.answer !== answer && !own.failed && forward.trim() !== '') otherwise = own.answer
        if ((await look()) !== baseline) await restore()
      }
      return { text: raw, thought, wrote, turned, failed, otherwise }
    },
    async stop() {
      client?.destroy()
      await server.stop()
    },
  }
}

export const DEFAULT_MODE =
  'STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION'

/** Modes under which a text ends elsewhere, and character sets whose letters can hold a quote. */
const OTHER_READING =
  /ANSI|NO_BACKSLASH|PIPES|IGNORE_SPACE|HIGH_NOT|EMPTY_STRING|ORACLE|MSSQL|DB2|MAXDB|gbk|sjis|big5|cp932|gb18030|euc|ujis|utf16|utf32|ucs2|gb2312/i

/** What tells the time, an identity or chance is answered otherwise each time. */
const MOVES = /analyze|uuid|rand|now|time|date|connection|status|processlist|variables/i

/** Global variables that a text of ours may set. */
const GLOBALS = ['sql_mode', 'old_mode', 'autocommit', 'collation_connection', 'tx_read_only']

function shown(answers: readonly Answer[]): string {
  return answers
    .map(({ rows, error, affected, ended }) =>
      JSON.stringify([rows, error && `${error.code} ${error.state}`, affected, ended]),
    )
    .join()
}

export interface Tally {
  tried: number
  failed: number
  wrote: number
  refused: number
  read: number
  readonly misses: string[]
}

/** Counts an outcome; what the analyser did not see is a miss. */
export function count(
  tally: Tally,
  { text, thought, wrote, turned, failed, otherwise }: Outcome,
): void {
  tally.tried += 1
  if (failed) tally.failed += 1
  if (wrote) tally.wrote += 1
  if (thought.kind === 'refused') tally.refused += 1
  if (thought.kind === 'read') tally.read += 1
  if (thought.kind === 'read' && wrote) tally.misses.push(`wrote, called ${thought.words}: ${text}`)
  if (thought.kind === 'read' && (turned === 'unread' || (turned === 'yes' && !thought.sets)))
    tally.misses.push(`changed how texts are read, called ${thought.words}: ${text}`)
  if (otherwise !== undefined)
    tally.misses.push(
      `${text}\n  is sent as ${thought.forward}\n  and would have been answered ${otherwise.slice(0, 300)}`,
    )
}

export function newTally(): Tally {
  return { tried: 0, failed: 0, wrote: 0, refused: 0, read: 0, misses: [] }
}
