import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMysqlAnalyser, type MysqlAnalyser, mysqlGrammar } from '#engines/sql'
import { AccessDenied, type DataClass } from '#model'
import { fc } from '../../../test/property.ts'
import { sessionDouble } from '../postgres/relay-doubles.ts'
import { type Catalog, unreadCatalog } from './catalog-types.ts'
import { readError, writeError } from './messages.ts'
import { command, status } from './numbers.ts'
import { packets } from './packets.ts'
import {
  column,
  endOfRows,
  okPayload,
  type Stage,
  type StageOptions,
  stage,
  textRow,
  variableChange,
} from './relay-doubles.ts'

const EMAIL = 'secret.person@example.com'
const email: DataClass = {
  name: 'email',
  columns: ['*.email'],
  mask: 'redact',
} as unknown as DataClass

const rows = [
  Uint8Array.of(2),
  column('id', { table: 'kept', type: 3, characterSet: 63 }),
  column('email', { table: 'kept' }),
  textRow('1', EMAIL),
  textRow(null, null),
  endOfRows(),
]

let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

const open = (
  server: NonNullable<StageOptions['server']>,
  options: Parameters<typeof sessionDouble>[0] & { messageBytes?: number } = {},
) => {
  const { messageBytes, ...rest } = options
  const session = sessionDouble({ classes: [email], ...rest })
  return {
    session,
    ...(messageBytes === undefined ? {} : { messageBytes }),
    on: stage({ session, analyser, server, ...(messageBytes ? { messageBytes } : {}) }),
  }
}

const codeOf = (one: Stage['received'][number] | undefined): number | undefined =>
  one?.payload[0] === 0xff ? readError(one.payload, 0, one.payload.length)?.code : undefined
const shown = (on: Stage): string =>
  Buffer.concat(on.received.map(({ payload }) => payload)).toString('latin1')

describe('an answer with rows', () => {
  it('is masked, numbered anew, and ends as clients of old expect', async () => {
    const { on, session } = open(() => rows, { answerBytes: 1_000 })
    on.command(command.query, 'select id, email from kept')
    await on.until(7)
    expect(on.received.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7])
    // (Behind the columns, and behind the rows.)
    expect([3, 6].map(at => on.received[at]?.payload.toString('hex'))).toEqual([
      'fe00000200',
      'fe00000200',
    ])
    expect(shown(on)).not.toContain(EMAIL)
    expect(session.outcomes[0]?.outcome).toMatchObject({ status: 'completed', rows: 2 })
    expect(session.answers[0]?.rows[1]).toEqual([null, null])
    expect(JSON.stringify(session.answers)).not.toContain(EMAIL)
    on.leave()
    expect(await on.ended).toBe('client_left')
  })

  it('is masked whatever its columns are called: no row is taken for a warning', async () => {
    const secret = '4012888888881881'
    const warned = Buffer.from(endOfRows())
    warned.writeUInt16LE(1, warned.length - 2)
    const named = [
      Uint8Array.of(3),
      column('level'),
      column('code', { table: 'kept' }),
      column('message'),
      textRow('Note', secret, 'm'),
      endOfRows(),
    ]
    const { on } = open(command =>
      command.includes('level') ? named : [...rows.slice(0, -1), warned],
    )
    on.command(command.query, 'select id, email from kept')
    await on.until(7)
    on.command(command.query, "select 'Note' as level, email as code, 'm' as message from kept")
    await on.until(14)
    expect(shown(on)).not.toContain(secret)
    on.leave()
    await on.ended
  })

  it('is the same however the server’s bytes are cut', async () => {
    const whole = Buffer.concat(rows.map((row, index) => packets(row, index + 1)))
    const { on } = open(() => undefined)
    const seen = new Set<string>()
    for (let at = 0; at <= whole.length; at++) {
      on.received.length = 0
      on.command(command.query, 'select id, email from kept')
      while (on.commands.length < at + 1) await new Promise(resolve => setImmediate(resolve))
      on.answer(Buffer.from(whole.subarray(0, at)))
      on.answer(Buffer.from(whole.subarray(at)))
      await on.until(7)
      seen.add(shown(on))
    }
    expect(seen.size).toBe(1)
    on.leave()
    await on.ended
  })

  it('ends in an error when it is longer than the policy allows', async () => {
    const { on, session } = open(() => rows, { decide: () => ({ limit: { rows: 1 } }) })
    on.command(command.query, 'select id, email from kept')
    await on.until(6)
    expect(codeOf(on.received[5])).toBe(1142)
    expect(on.cancels).toBe(1)
    expect(session.outcomes[0]?.outcome).toMatchObject({ status: 'failed', rows: 1 })
    on.leave()
    await on.ended
  })
})

describe('a refusal', () => {
  it('is answered in its turn, and nothing of it is sent on', async () => {
    const { on } = open(() => [okPayload()], {
      decide: ({ text }) => {
        if (text.includes('closed')) throw new AccessDenied('forbidden', 'it is closed')
        return undefined
      },
    })
    on.command(command.query, 'delete from kept where id = 1')
    on.command(command.query, 'select id from closed')
    on.command(command.query, 'delete from kept where id = 2')
    await on.until(3)
    expect(on.received.map(codeOf)).toEqual([undefined, 1142, undefined])
    expect(on.commands.map(each => each.toString('latin1', 1))).toEqual([
      'delete from kept where id = 1',
      'delete from kept where id = 2',
    ])
    on.leave()
    await on.ended
  })

  it.each([
    ['a dump of the log', 0x12],
    ['a clone', 0x20],
    ['a bulk execute', 0xfa],
    ['a command that nobody knows', 0x77],
  ])('meets %s, and the session goes on', async (_, code) => {
    const { on } = open(() => [okPayload()])
    on.command(code, 'root\0')
    on.command(command.ping)
    await on.until(2)
    expect(on.received.map(codeOf)).toEqual([1047, undefined])
    expect(on.commands).toHaveLength(1)
    on.leave()
    await on.ended
  })

  it('meets a text that is not UTF-8', async () => {
    const { on } = open(() => [okPayload()])
    on.command(command.query, Buffer.from([0x73, 0xbf, 0x27]))
    await on.until(1)
    expect(codeOf(on.received[0])).toBe(1064)
    expect(on.commands).toHaveLength(0)
    on.leave()
    await on.ended
  })
})

/** The server tells that the default database is another one. */
const inOther = Buffer.concat([Buffer.from([1, 6, 5]), Buffer.from('other')])

/** The answer to PREPARE of a statement with one parameter and one column. */
const prepareOk = [Buffer.from([0, 9, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), column('?')]
const long = (index: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([9, 0, 0, 0, index, 0]), Buffer.from(text)])
/** One parameter, a string; without `text` it was sent ahead. */
const execute = (text?: string): Buffer =>
  Buffer.concat([
    Buffer.from([9, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 253, 0]),
    text === undefined
      ? Buffer.alloc(0)
      : Buffer.concat([Buffer.of(text.length), Buffer.from(text)]),
  ])

describe('a prepared statement', () => {
  const server = (body: Buffer) =>
    body[0] === command.stmtPrepare
      ? prepareOk
      : body[0] === command.stmtSendLongData || body[0] === command.stmtClose
        ? undefined
        : [okPayload()]

  it('is judged with the values that were sent ahead, also after a refusal: the server keeps them', async () => {
    const seen: (string | undefined)[] = []
    const { on } = open(server, {
      decide: ({ phase, parameters }) => {
        if (phase === 'prepare') return undefined
        const value = parameters?.[0]?.value
        seen.push(value === undefined || value === null ? undefined : String(value))
        if (seen.length === 1) throw new AccessDenied('forbidden', 'not now')
        return undefined
      },
    })
    on.command(command.stmtPrepare, 'delete from kept where email = ?')
    await on.until(3)
    on.command(command.stmtSendLongData, long(0, 'sent ahead'))
    on.command(command.stmtExecute, execute())
    on.command(command.stmtExecute, execute())
    await on.until(5)
    // Now it is used up.
    on.command(command.stmtExecute, execute('inline'))
    await on.until(6)
    expect(seen.map(each => Buffer.from(each ?? '').toString())).toEqual([
      'sent ahead',
      'sent ahead',
      'inline',
    ])
    expect(on.received.map(codeOf).slice(3)).toEqual([1142, undefined, undefined])
    on.leave()
    await on.ended
  })

  it('keeps no more values that were sent ahead than one session may, however they are cut', async () => {
    // (Each in one packet: the double of a server puts none together.)
    const third = Buffer.alloc(11 << 20)
    let prepared = 8
    const answer = (body: Buffer) =>
      body[0] === command.stmtPrepare
        ? [Buffer.from([0, ++prepared, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), column('?')]
        : server(body)
    const { on } = open(answer, { messageBytes: 64 << 20 })
    for (let at = 0; at < 2; at++)
      on.command(command.stmtPrepare, 'delete from kept where email = ?')
    await on.until(6)
    const ahead = (id: number, data: Buffer): Buffer =>
      Buffer.concat([Buffer.from([id, 0, 0, 0, 0, 0]), data])
    const half = (id: number): void => {
      for (let at = 0; at < 3; at++) on.command(command.stmtSendLongData, ahead(id, third))
    }
    half(9)
    // What was used, or given up, counts no more.
    on.command(command.stmtReset, Buffer.from([9, 0, 0, 0]))
    half(9)
    on.command(command.stmtClose, Buffer.from([9, 0, 0, 0]))
    half(10)
    on.command(command.stmtExecute, Buffer.concat([Buffer.from([10]), execute().subarray(1)]))
    half(10)
    on.command(command.ping)
    await on.until(9)
    expect(on.received.map(codeOf)).toEqual(Array(9).fill(undefined))
    on.command(command.stmtPrepare, 'delete from kept where email = ?')
    await on.until(12)
    half(11)
    expect(await on.ended).toBe('protocol_violation')
    const empty = open(answer)
    empty.on.command(command.stmtPrepare, 'delete from kept where email = ?')
    await empty.on.until(3)
    const nothing = packets(
      Buffer.concat([Buffer.of(command.stmtSendLongData), ahead(12, Buffer.alloc(0))]),
      0,
    )
    empty.on.write(Buffer.concat(Array(600_000).fill(nothing)))
    expect(await empty.on.ended).toBe('protocol_violation')
  })

  it('is refused when the texts of all of them are too long together', async () => {
    let prepared = 0
    const { on } = open(() => [Buffer.from([0, ++prepared, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])], {
      messageBytes: 2 << 20,
    })
    const text = `select id from kept where name = '${'x'.repeat(1_000_000)}'`
    for (let at = 0; at < 70; at++) on.command(command.stmtPrepare, text)
    await on.until(70)
    expect(on.received.map(codeOf).indexOf(1226)).toBe(67)
    on.leave()
    await on.ended
  })

  it('has an id of its own, or the session ends', async () => {
    const { on } = open(server)
    on.command(command.stmtPrepare, 'delete from kept where email = ?')
    on.command(command.stmtPrepare, 'delete from kept where email = ?')
    expect(await on.ended).toBe('upstream_left')
  })

  it('keeps to the database that it was prepared in', async () => {
    const { on, session } = open(body =>
      body[0] === command.initDb ? [okPayload(2, inOther)] : server(body),
    )
    on.command(command.stmtPrepare, 'delete from kept where email = ?')
    await on.until(3)
    on.command(command.initDb, 'other')
    await on.until(4)
    on.command(command.stmtExecute, execute('x'))
    on.command(command.query, 'delete from kept where id = 1')
    await on.until(6)
    const names = session.statements.map(({ operations }) =>
      operations.map(each => each.object.name),
    )
    expect(names[2]).toContain('app.kept')
    expect(names[3]).toContain('other.kept')
    on.leave()
    await on.ended
  })
})

describe('the statement that was prepared last', () => {
  it('is reset and executed by its own id: a server that knows no other name would keep its values', async () => {
    const asked: number[][] = []
    const { on } = open(body => {
      if (body[0] === command.stmtPrepare) return prepareOk
      asked.push([...body.subarray(0, 5)])
      return [okPayload()]
    })
    const last = [255, 255, 255, 255]
    on.command(command.stmtPrepare, 'delete from kept where email = ?')
    await on.until(3)
    on.command(command.stmtReset, Buffer.from(last))
    on.command(command.stmtExecute, Buffer.concat([Buffer.from(last), execute('x').subarray(4)]))
    await on.until(5)
    expect(asked).toEqual([
      [command.stmtReset, 9, 0, 0, 0],
      [command.stmtExecute, 9, 0, 0, 0],
    ])
    on.leave()
    await on.ended
  })
})

describe('a name of a prepared statement', () => {
  const unknown = { action: 'execute', flags: ['dynamic'] }
  const failing = [
    okPayload(2 | 8),
    writeError({ code: 1146, state: '42S02', message: 'there is no such table' }),
  ]
  const server = (body: Buffer) => (body.includes('missing') ? failing : [okPayload()])

  it.each([
    [
      'is given another in a text that ends in an error',
      "prepare s from 'drop table b'; select missing",
    ],
    ['is given up in a text that ends in an error', 'deallocate prepare s; select missing'],
    ['may be given another by a procedure', 'call p()'],
    ['may be given another by a procedure that another name runs', 'execute p'],
    ['may be given another by a text that is made at run time', 'execute immediate @q'],
    [
      'is given another in a text that moves to another database',
      "prepare s from 'drop table b'; use other",
    ],
  ])('stands for nothing that is known once it %s', async (_, text) => {
    const { on, session } = open(body =>
      body.includes('use other') ? [okPayload(2 | 8), okPayload(2, inOther)] : server(body),
    )
    const texts = ["prepare p from 'call p()'", "prepare s from 'drop table a'", text, 'execute s']
    for (const each of texts) on.command(command.query, each)
    while (session.statements.at(-1)?.text !== 'execute s')
      await new Promise(resolve => setImmediate(resolve))
    expect(session.statements.at(-1)?.operations).toMatchObject([unknown])
    on.leave()
    await on.ended
  })

  it('stands for what it was given while nothing else ran that gives names', async () => {
    const { on, session } = open(server)
    for (const text of ["prepare s from 'drop table a'", 'execute s', 'begin', 'execute s'])
      on.command(command.query, text)
    await on.until(4)
    expect(session.statements.at(-1)?.operations).toMatchObject([
      { action: 'define', object: { name: 'app.a' } },
    ])
    on.leave()
    await on.ended
  })
})

it('tells nothing of a temporary table from the catalog while there is one, in whatever database it is', async () => {
  const session = sessionDouble({ classes: [email] })
  const names = unreadCatalog(false).names(undefined)
  const catalog: Catalog = {
    ...unreadCatalog(false),
    names: database => ({
      ...names,
      resolve: ({ schema, name }) => [
        { object: `${schema ?? database}.${name}`, kind: 'table', columns: ['known'] },
      ],
    }),
  }
  const on = stage({ session, analyser, catalog, server: () => [okPayload()] })
  const read = 'select * from other.kept'
  const make = 'create temporary table other.kept (a int)'
  const drop = 'drop temporary table other.kept'
  // (Made twice it may be in two databases: one of them is left.)
  const asked = [read, make, read, make, drop, read, drop, read]
  for (const text of asked) on.command(command.query, text)
  await on.until(asked.length)
  const told = session.statements.flatMap(({ text, lineage }) =>
    text === read ? [lineage?.[0]?.outputs !== 'unknown'] : [],
  )
  expect(told).toEqual([true, false, false, true])
  on.leave()
  await on.ended
})

describe('what the catalog says', () => {
  it.each([
    ['is read again behind a text that changed it and ended in an error', true],
    ['is read again when the session ends while it may be changed', false],
  ])('%s', async (_, answered) => {
    let invalidated = 0
    const catalog = {
      ...unreadCatalog(false),
      invalidate() {
        invalidated += 1
      },
    }
    const failed = writeError({ code: 1146, state: '42S02', message: 'there is no such table' })
    const session = sessionDouble({ classes: [email] })
    const on = stage({
      session,
      analyser,
      catalog,
      server: () => (answered ? [okPayload(2 | 8), failed] : undefined),
    })
    on.command(command.query, 'create view v as select id from kept; select 1 from missing')
    if (answered) await on.until(2)
    else while (on.commands.length === 0) await new Promise(resolve => setImmediate(resolve))
    const before = invalidated
    on.leave()
    await on.ended
    // Once as it was sent: what another session sees from then on may be the new one.
    expect(before).toBe(answered ? 2 : 1)
    expect(invalidated).toBe(2)
  })
})

describe('what the server tells of its session', () => {
  it('is asked for anew before anything else runs, when a text may have silenced it', async () => {
    const { on } = open(() => [okPayload()])
    on.command(command.query, "set session_track_system_variables = ''")
    on.command(command.query, 'delete from kept where id = 1')
    await on.until(2)
    expect(on.commands.map(each => each.toString('latin1', 1, 40))).toEqual([
      "set session_track_system_variables = ''",
      'SET @@SESSION.session_track_schema = 1,',
      'delete from kept where id = 1',
    ])
    on.leave()
    await on.ended
  })

  it('is not silenced within a text', async () => {
    const { on, session } = open(() => [okPayload()])
    on.command(command.query, 'set session_track_schema = 0; use other')
    await on.until(1)
    expect(codeOf(on.received[0])).toBe(1231)
    expect(session.refusals).toHaveLength(1)
    expect(on.commands).toEqual([])
    on.leave()
    await on.ended
  })

  it('is pinned anew by a reset, before the client hears of it', async () => {
    const { on } = open(() => [okPayload()])
    on.command(command.resetConnection)
    await on.until(1)
    expect(on.commands.map(each => each[0])).toEqual([command.resetConnection, command.query])
    expect(on.received).toHaveLength(1)
    on.leave()
    await on.ended
  })

  it('is pinned anew by a reset of a server whose own modes read otherwise, or it ends', async () => {
    const otherwise = okPayload(2, variableChange('sql_mode', 'ANSI_QUOTES'))
    const { on } = open(body => [body[0] === command.resetConnection ? otherwise : okPayload()])
    on.command(command.resetConnection)
    await on.until(1)
    expect(on.commands.map(each => each[0])).toEqual([command.resetConnection, command.query])
    expect(on.received[0]?.payload[0]).toBe(0)
    on.leave()
    await on.ended
    const { on: stays } = open(() => [otherwise])
    stays.command(command.resetConnection)
    expect(await stays.ended).toBe('failed')
    expect(codeOf(stays.received[0])).toBe(1231)
  })
})

describe('a server that is not what it should be', () => {
  it.each([
    ['asks for a file of the client', [Buffer.from('\xfb/etc/passwd', 'latin1')]],
    ['sends rows without columns', [Uint8Array.of(0xfc, 0xff, 0xff), textRow('x')]],
    ['says that there are a million columns', [Uint8Array.of(0xfd, 0x40, 0x42, 0x0f)]],
    ['describes a column with lengths past its end', [Uint8Array.of(1), Uint8Array.of(0xfe, 1, 2)]],
    ['sends an empty packet', [new Uint8Array(0)]],
    ['turns a mode on that changes how texts read', [okPayload(2 | 0x200)]],
    ['turns ANSI_QUOTES on', [okPayload(2, variableChange('sql_mode', 'ANSI_QUOTES'))]],
    [
      'reads texts in another character set',
      [okPayload(2, variableChange('character_set_client', 'gbk'))],
    ],
    ['ends with a truncated OK', [Uint8Array.of(0, 0)]],
  ])('ends the session when it %s', async (_, answer) => {
    const { on } = open(() => answer)
    on.command(command.query, 'select id, email from kept')
    expect(await on.ended).toMatch(/^(upstream_left|failed)$/)
    expect(codeOf(on.received.at(-1))).toBeGreaterThan(0)
  })

  it('ends the session when its packets are out of order, or come unasked', async () => {
    const first = open(() => undefined)
    first.on.command(command.ping)
    first.on.answer(packets(okPayload(), 4))
    expect(await first.on.ended).toBe('upstream_left')
    const second = open(() => undefined)
    second.on.answer(packets(okPayload(), 1))
    expect(await second.on.ended).toBe('upstream_left')
  })

  it('never brings the gateway down, nor a hidden value out', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 40 }),
            fc.constantFrom<Uint8Array>(...rows, okPayload(), endOfRows(2 | 8)),
          ),
          { maxLength: 12 },
        ),
        fc.constantFrom('select id, email from kept', 'select email from kept where id = 1'),
        async (answer, text) => {
          const { on } = open(() => answer)
          on.command(command.query, text)
          on.command(command.ping)
          await new Promise(resolve => setTimeout(resolve, 1))
          on.leave()
          await on.ended
          expect(shown(on)).not.toContain(EMAIL)
        },
      ),
      { numRuns: 300 },
    )
  })
})

it('whatever a client sends, nothing goes on that was not judged, and the gateway stands', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc
            .tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 30 }))
            .map(([code, body]) => packets(Buffer.concat([Buffer.of(code), body]), 0)),
        ),
        { maxLength: 8 },
      ),
      async chunks => {
        const { on, session } = open(() => [okPayload()], {
          decide: () => {
            throw new AccessDenied('forbidden', 'nothing is permitted')
          },
          messageBytes: 4_096,
        })
        for (const chunk of chunks) on.write(chunk)
        await new Promise(resolve => setTimeout(resolve, 1))
        on.leave()
        await on.ended
        const passed = on.commands.map(each => each[0])
        expect(passed.every(code => HARMLESS.includes(code ?? -1))).toBe(true)
        expect(session.outcomes).toEqual([])
      },
    ),
    { numRuns: 300 },
  )
})

/** PING, QUIT, SET_OPTION, RESET_CONNECTION, and the pins behind that. */
const HARMLESS: readonly number[] = [0x0e, 0x01, 0x1b, 0x1f, 0x03]

describe('what was prepared in a text', () => {
  const failing = (command: string) =>
    command.includes('nothing')
      ? [
          okPayload(status.autocommit | status.moreResults),
          writeError({ code: 1146, state: '42S02', message: 'no such table' }),
        ]
      : [okPayload()]
  const judged = async (...texts: string[]) => {
    const { on, session } = open(command => failing(command.toString()))
    for (const [index, text] of texts.entries()) {
      on.command(command.query, text)
      while (session.outcomes.length <= index) await new Promise(resolve => setImmediate(resolve))
    }
    on.leave()
    await on.ended
    return session.statements.at(-1)?.operations
  }

  it('that ran is judged as what it is, when it is run', async () => {
    const operations = await judged("prepare s from 'delete from kept'", 'execute s')
    expect(operations).toMatchObject([{ action: 'write', verb: 'DELETE' }])
  })

  it('that failed may be run by nobody who is not to run anything: some of it may stand', async () => {
    const operations = await judged(
      "prepare s from 'select 1'",
      "prepare s from 'delete from kept'; select * from nothing",
      'execute s',
    )
    expect(operations).toMatchObject([{ action: 'execute', flags: ['dynamic'] }])
  })

  it('may be anything once a procedure has run', async () => {
    const operations = await judged("prepare s from 'select 1'", 'call p()', 'execute s')
    expect(operations).toMatchObject([{ action: 'execute', flags: ['dynamic'] }])
  })
})
