// LOAD DATA LOCAL, with both ends scripted: what a server may ask for, and what becomes of a file's bytes.
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { maskSentinel } from '#engines/masking'
import { createMysqlAnalyser, type MysqlAnalyser, mysqlGrammar } from '#engines/sql'
import { AccessDenied, type DataClass } from '#model'
import { fc } from '../../../test/property.ts'
import { sessionDouble } from '../postgres/relay-doubles.ts'
import { readError, writeError, writeOk } from './messages.ts'
import { command, status } from './numbers.ts'
import { FULL, packetCount, packets } from './packets.ts'
import { okPayload, type Stage, type StageOptions, stage } from './relay-doubles.ts'

let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

const email = { name: 'email', columns: ['*.email'], mask: 'redact' } as unknown as DataClass
const LOAD = "load data local infile 'rows.csv' into table kept"
const request = (name: string) => Buffer.concat([Buffer.of(0xfb), Buffer.from(name)])
const loaded = (rows: number) =>
  writeOk({
    affectedRows: rows,
    insertId: Uint8Array.of(0),
    status: status.autocommit,
    warnings: 0,
    info: new Uint8Array(0),
  })

interface Options extends NonNullable<Parameters<typeof sessionDouble>[0]> {
  readonly localFiles?: boolean
  /** The resource has it, whatever the client can. */
  readonly isRead?: boolean
  /** What the server answers a text; by default it asks for the file that our text names. */
  readonly server?: NonNullable<StageOptions['server']>
}

/** A session that may load; the server asks for the file and then waits for what the test lets it say. */
function open({ localFiles = true, server, isRead = localFiles, ...rest }: Options = {}) {
  const session = sessionDouble(rest)
  const asks = (body: Buffer) =>
    body[0] === command.query && body.includes('local infile') ? [request('rows.csv')] : undefined
  const reads = { session, analyser, localFiles, isRead }
  return { session, on: stage({ ...reads, server: server ?? asks }) }
}

const codeOf = ({ received }: Stage): number | undefined => {
  const last = received.at(-1)?.payload ?? Buffer.alloc(0)
  return last[0] === 0xff ? readError(last, 0, last.length)?.code : undefined
}
const messageOf = ({ received }: Stage): string => {
  const last = received.at(-1)?.payload ?? Buffer.alloc(0)
  return readError(last, 0, last.length)?.message ?? ''
}
const wasAsked = ({ received }: Stage): boolean => received.some(each => each.payload[0] === 0xfb)

/** A file in packets as a client writes them, its end included. */
function filePackets(parts: readonly Uint8Array[]): Buffer {
  let number = 2
  const made = [...parts, new Uint8Array(0)].map(part => {
    const bytes = packets(part, number & 0xff)
    number += packetCount(part.length)
    return bytes
  })
  return Buffer.concat(made)
}

/** What came to the server behind the text. */
const sentOn = ({ commands }: Stage) => commands.slice(1)
const turn = () => new Promise(resolve => setImmediate(resolve))
async function come(on: Stage, count: number) {
  while (on.commands.length < count) await turn()
}
async function quiet() {
  for (let round = 0; round < 20; round++) await turn()
}

describe('a file that a permitted text names', () => {
  it('is asked for, goes to the server, and is counted', async () => {
    const { on, session } = open()
    on.command(command.query, LOAD)
    await on.until(1)
    expect(on.received[0]).toEqual({ sequence: 1, payload: request('rows.csv') })
    on.write(filePackets([Buffer.from('1\tann\n'), Buffer.from('2\tbob\n')]))
    await come(on, 4)
    expect(sentOn(on).map(String)).toEqual(['1\tann\n', '2\tbob\n', ''])
    expect(on.numbers).toEqual([0, 2, 3, 4])
    on.answer(packets(loaded(2), 5))
    await on.until(2)
    expect(on.received[1]?.sequence).toBe(5)
    expect(on.received[1]?.payload[1]).toBe(2)
    expect(session.statements[0]?.operations).toMatchObject([
      { action: 'write', verb: 'LOAD DATA LOCAL', object: { name: 'app.kept' } },
      { action: 'execute', object: { name: 'local:rows.csv', kind: 'client file' } },
    ])
    expect(session.outcomes[0]?.outcome).toMatchObject({ status: 'completed', rows: 2, bytes: 12 })
    // The session goes on, also with another file.
    on.command(command.query, LOAD)
    await on.until(3)
    on.write(filePackets([]))
    await come(on, 6)
    expect(on.commands[5]).toHaveLength(0)
    on.leave()
    expect(await on.ended).toBe('client_left')
  })

  it('is the same however the client’s bytes are cut', async () => {
    const parts = [Buffer.from('1\tann\n2'), Buffer.from('\t'), Buffer.from('bob\n')]
    const whole = filePackets(parts)
    for (let at = 0; at <= whole.length; at++) {
      const { on } = open()
      on.command(command.query, LOAD)
      await on.until(1)
      on.write(Buffer.from(whole.subarray(0, at)))
      await turn()
      on.write(Buffer.from(whole.subarray(at)))
      while (on.commands.length < 2 || on.commands.at(-1)?.length !== 0) await turn()
      expect(Buffer.concat(sentOn(on)).toString()).toBe('1\tann\n2\tbob\n')
      on.leave()
      await on.ended
    }
  })

  it('may be sent ahead of the request, and by itself is none', async () => {
    const { on } = open({ server: () => undefined })
    on.command(command.query, LOAD)
    on.write(filePackets([Buffer.from('drop table kept')]))
    await quiet()
    expect(on.commands).toHaveLength(1)
    on.answer(packets(request('rows.csv'), 1))
    await come(on, 3)
    expect(sentOn(on).map(String)).toEqual(['drop table kept', ''])
    on.leave()
    await on.ended
  })

  it('goes on in the next packet when one is full, also when that is empty', async () => {
    const { on } = open()
    on.command(command.query, LOAD)
    await on.until(1)
    const full = Buffer.alloc(FULL, 'x')
    on.write(filePackets([full]))
    while (on.commands.at(-1)?.length !== 0) await turn()
    const sent = sentOn(on)
    expect(Buffer.concat(sent).equals(full)).toBe(true)
    expect(sent.filter(({ length }) => length === 0)).toHaveLength(1)
    on.answer(packets(loaded(1), (on.numbers.at(-1) ?? 0) + 1))
    await on.until(2)
    // Full, its empty rest, the end; then the answer.
    expect(on.received[1]?.sequence).toBe(5)
    on.leave()
    await on.ended
  })

  it('never looks like a command to a server that gave up, whatever it holds', async () => {
    const drop = Buffer.from('\x03drop table kept')
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.constant<Uint8Array>(drop),
            fc.uint8Array({ minLength: 1, maxLength: 6 }),
            fc.constantFrom<Uint8Array>(Buffer.of(0x08), Buffer.of(0), Buffer.from('a')),
          ),
          { minLength: 500, maxLength: 800 },
        ),
        fc.integer({ min: 1, max: 3_000 }),
        async (parts, cut) => {
          const { on } = open()
          on.command(command.query, LOAD)
          await on.until(1)
          const whole = filePackets(parts)
          for (let at = 0; at < whole.length; at += cut)
            on.write(Buffer.from(whole.subarray(at, at + cut)))
          while (on.commands.length < 2 || on.commands.at(-1)?.length !== 0) await turn()
          const sent = sentOn(on)
          expect(Buffer.concat(sent)).toEqual(Buffer.concat(parts))
          for (const [index, each] of sent.entries()) {
            expect(on.numbers[index + 1]).toBe((index + 2) & 0xff)
            if (index < sent.length - 1) expect(each.length).toBeGreaterThan(0)
            const isZero = on.numbers[index + 1] === 0 && each.length > 0
            if (isZero) expect(each[0]).toSatisfy((byte: number) => byte >= 0x2c && byte <= 0xf0)
          }
          on.leave()
          await on.ended
        },
      ),
      { numRuns: 25 },
    )
  })

  it('is refused when it is of bytes alone that commands begin with', async () => {
    const { on, session } = open()
    on.command(command.query, LOAD)
    await on.until(1)
    const parts = Array.from({ length: 400 }, () => Buffer.alloc(8_192, 3))
    on.write(filePackets(parts))
    expect(await on.ended).toBe('failed')
    expect(codeOf(on)).toBe(1235)
    expect(on.numbers.slice(1)).not.toContain(0)
    expect(session.refusals).toHaveLength(1)
    expect(session.outcomes[0]?.outcome.status).toBe('failed')
  })
})

describe('a server that asks', () => {
  const shown = (on: Stage) => on.received.map(({ payload }) => payload.toString('latin1')).join()

  it.each([
    ['without such a text', 'select id from kept', 'rows.csv'],
    ['for a file that the text only speaks of', "select 'rows.csv'", 'rows.csv'],
    ['for what the text loads from the server’s own', LOAD.replace('local ', ''), 'rows.csv'],
    ['for another file', LOAD, '/etc/passwd'],
    ['for the file in upper case', LOAD, 'ROWS.csv'],
    ['for a file of a longer name', LOAD, 'rows.csv.gz'],
    ['for a file of a shorter name', LOAD, 'rows.cs'],
    ['for the file and more behind a zero', LOAD, 'rows.csv\0/etc/passwd'],
    ['for no file', LOAD, ''],
    ['for the file under its full path', LOAD, '/home/ann/rows.csv'],
    ['for the file that is named with escapes', LOAD.replace('rows', 'ro\\\\ws'), 'ro\\\\ws.csv'],
  ])('%s ends the session, and the client does not hear of it', async (_, text, name) => {
    const { on } = open({ server: () => [request(name)] })
    on.command(command.query, text)
    expect(await on.ended).toBe('upstream_left')
    expect(wasAsked(on)).toBe(false)
    expect(shown(on)).not.toContain('passwd')
    expect(codeOf(on)).toBeGreaterThan(0)
  })

  it.each([
    ['ro\\\\ws.csv', 'ro\\ws.csv'],
    ['nämé 名.csv', 'nämé 名.csv'],
    ["it''s.csv", "it's.csv"],
    ['C:\\\\data\\\\a_\\%.csv', 'C:\\data\\a_\\%.csv'],
  ])('for the very file that the text names (%s) is let through', async (written, name) => {
    const { on } = open({ server: () => [request(name)] })
    on.command(command.query, LOAD.replace('rows.csv', written))
    await on.until(1)
    expect(on.received[0]?.payload.toString('utf8', 1)).toBe(name)
    on.leave()
    await on.ended
  })

  it('before the text that names the file is on record ends the session', async () => {
    const written: string[] = []
    const ready: { on?: Stage } = {}
    const { on } = open({
      server: () => undefined,
      write: () => void written.push(LOAD),
      // (What is permitted here leaves at the end of the loop's turn: the server speaks before that.)
      decide: () => {
        ready.on?.answer(packets(request('rows.csv'), 1))
        return undefined
      },
    })
    ready.on = on
    on.command(command.query, LOAD)
    expect(await on.ended).toBe('upstream_left')
    expect(wasAsked(on)).toBe(false)
    expect(on.commands).toHaveLength(0)
  })

  it.each([
    ['the resource does not let it', { localFiles: true, isRead: false }, 'is not supported'],
    ['the client did not say that it can', { localFiles: false, isRead: true }, 'local-infile=1'],
    ['neither is so', { localFiles: false, isRead: false }, 'is not supported'],
  ])('ends the session where %s, also behind the refusal of such a text', async (_, may, words) => {
    const { on, session } = open({ ...may, server: () => [request('rows.csv')] })
    on.command(command.query, LOAD)
    await on.until(1)
    // The server does not see it.
    expect(codeOf(on)).toBe(1235)
    expect(messageOf(on)).toContain(words)
    expect(session.refusals).toHaveLength(1)
    expect(on.commands).toHaveLength(0)
    on.command(command.query, 'select id from kept')
    expect(await on.ended).toBe('upstream_left')
    expect(wasAsked(on)).toBe(false)
  })

  it('a second time ends the session: in place of the answer, behind it, and of the next text', async () => {
    for (const before of [[], [okPayload(status.autocommit | status.moreResults)]]) {
      const { on } = open()
      on.command(command.query, LOAD)
      await on.until(1)
      on.write(filePackets([Buffer.from('1\n')]))
      await come(on, 3)
      for (const [index, each] of [...before, request('rows.csv')].entries())
        on.answer(packets(each, 4 + index))
      expect(await on.ended).toBe('upstream_left')
      expect(on.received.filter(({ payload }) => payload[0] === 0xfb)).toHaveLength(1)
      expect(on.commands).toHaveLength(3)
    }
    const { on } = open({ server: body => (body[0] === 3 ? [request('rows.csv')] : undefined) })
    on.command(command.query, LOAD)
    await on.until(1)
    on.write(filePackets([]))
    await come(on, 2)
    on.answer(packets(loaded(0), 3))
    await on.until(2)
    on.command(command.query, 'select 1')
    expect(await on.ended).toBe('upstream_left')
    expect(on.received.filter(({ payload }) => payload[0] === 0xfb)).toHaveLength(1)
  })

  it('behind another result, unasked, or out of order ends the session', async () => {
    const more = open({
      server: () => [okPayload(status.autocommit | status.moreResults), request('rows.csv')],
    })
    more.on.command(command.query, LOAD)
    expect(await more.on.ended).toBe('upstream_left')
    expect(wasAsked(more.on)).toBe(false)
    const unasked = open()
    unasked.on.answer(packets(request('rows.csv'), 1))
    expect(await unasked.on.ended).toBe('upstream_left')
    expect(wasAsked(unasked.on)).toBe(false)
    const ordered = open({ server: () => undefined })
    ordered.on.command(command.query, LOAD)
    await come(ordered.on, 1)
    ordered.on.answer(packets(request('rows.csv'), 2))
    expect(await ordered.on.ended).toBe('upstream_left')
    expect(wasAsked(ordered.on)).toBe(false)
  })

  it.each([
    ['says OK', okPayload()],
    ['asks again', request('rows.csv')],
    ['sends rows', Uint8Array.of(1)],
    ['sends nothing', new Uint8Array(0)],
  ])('and then %s in the middle of the file ends the session', async (_, early) => {
    const { on } = open()
    on.command(command.query, LOAD)
    await on.until(1)
    on.write(packets(Buffer.from('1\n'), 2))
    await come(on, 2)
    on.answer(packets(early, 3))
    expect(await on.ended).toBe('upstream_left')
    expect(on.received.filter(({ payload }) => payload[0] === 0xfb)).toHaveLength(1)
  })

  it('and gives up in the middle gets no more of the file, and the client is told in its turn', async () => {
    const { on, session } = open()
    on.command(command.query, LOAD)
    await on.until(1)
    on.write(packets(Buffer.from('1\n'), 2))
    await come(on, 2)
    on.answer(packets(writeError({ code: 1205, state: 'HY000', message: "Value 'secret'" }), 3))
    await quiet()
    on.write(packets(Buffer.from('\x03drop table kept'), 3))
    on.write(packets(Buffer.from('2\n'), 4))
    on.write(packets(new Uint8Array(0), 5))
    await on.until(2)
    expect(on.received[1]?.sequence).toBe(6)
    expect(messageOf(on)).toContain('gave up')
    expect(messageOf(on)).not.toContain('secret')
    await on.ended
    expect(sentOn(on).map(String)).toEqual(['1\n'])
    expect(session.outcomes[0]?.outcome).toMatchObject({ status: 'failed', errorCode: '1205' })
  })
})

describe('a client', () => {
  it('that sends a command in place of the file ends its session, and the command goes nowhere', async () => {
    for (const bytes of [
      packets(Buffer.from('\x03drop table kept'), 0),
      packets(Buffer.of(1), 0),
    ]) {
      const { on } = open()
      on.command(command.query, LOAD)
      await on.until(1)
      on.write(bytes)
      expect(await on.ended).toBe('protocol_violation')
      expect(on.commands).toHaveLength(1)
    }
  })

  it('that leaves out a number, or says one twice, ends its session', async () => {
    for (const number of [2, 4]) {
      const { on } = open()
      on.command(command.query, LOAD)
      await on.until(1)
      on.write(packets(Buffer.from('1\n'), 2))
      on.write(packets(Buffer.from('2\n'), number))
      expect(await on.ended).toBe('protocol_violation')
      expect(sentOn(on).map(String)).toEqual(['1\n'])
    }
  })

  it('that leaves in the middle leaves the server without an end of the file', async () => {
    const { on, session } = open()
    on.command(command.query, LOAD)
    await on.until(1)
    on.write(packets(Buffer.from('1\n2'), 2))
    await come(on, 2)
    on.leave()
    expect(await on.ended).toBe('client_left')
    expect(sentOn(on).map(String)).toEqual(['1\n2'])
    expect(on.cancels).toBe(1)
    expect(session.outcomes[0]?.outcome).toMatchObject({ status: 'cancelled', bytes: 3 })
  })

  it('that is denied is told so without being asked for anything', async () => {
    const { on } = open({
      decide: ({ operations }) => {
        if (operations.some(({ action }) => action === 'execute'))
          throw new AccessDenied('forbidden', 'no files')
        return undefined
      },
    })
    on.command(command.query, LOAD)
    await on.until(1)
    expect(codeOf(on)).toBe(1142)
    expect(on.received[0]?.sequence).toBe(1)
    expect(on.commands).toHaveLength(0)
    on.leave()
    await on.ended
  })

  it('whose text a person must see waits, and is asked when that person said yes', async () => {
    let yes = () => {}
    const { on } = open({ decide: () => new Promise(resolve => (yes = () => resolve(undefined))) })
    on.command(command.query, LOAD)
    await quiet()
    expect(on.commands).toHaveLength(0)
    yes()
    await on.until(1)
    expect(wasAsked(on)).toBe(true)
    on.write(filePackets([Buffer.from('1\n')]))
    await come(on, 3)
    on.leave()
    await on.ended
  })

  it('hears nothing of a file before its text is on record', async () => {
    const written: string[] = []
    const { on } = open({ write: () => void written.push(LOAD) })
    on.command(command.query, LOAD)
    await on.until(1)
    expect(written).toHaveLength(1)
    on.leave()
    await on.ended
  })

  it.each([
    `${LOAD}; select 1`,
    `select 1; ${LOAD}`,
    `prepare s from "${LOAD}"`,
    `execute immediate "${LOAD}"`,
  ])('that hides it in another text is refused: %s', async text => {
    const { on, session } = open()
    on.command(command.query, text)
    await on.until(1)
    expect(codeOf(on)).toBe(1235)
    expect(on.commands).toHaveLength(0)
    expect(session.refusals).toHaveLength(1)
    on.leave()
    await on.ended
  })

  it('that prepares it is refused', async () => {
    const { on, session } = open()
    on.command(command.stmtPrepare, LOAD)
    await on.until(1)
    expect(codeOf(on)).toBe(1235)
    expect(on.commands).toHaveLength(0)
    expect(session.refusals).toHaveLength(1)
    on.leave()
    await on.ended
  })

  it('whose yes is for a number of rows is refused: nobody can undo a file', async () => {
    const { on } = open({ decide: () => ({ maxRows: 2 }) })
    on.command(command.query, LOAD)
    await on.until(1)
    expect(messageOf(on)).toContain('bound to a number of rows')
    expect(on.commands).toHaveLength(0)
    on.leave()
    await on.ended
  })
})

describe('a mask of ours in a file', () => {
  const row = `1\t${maskSentinel}email⟧\n`
  const bytes = Buffer.from(row)

  it('fails the load wherever packets and chunks are cut, and the server never sees its end', async () => {
    for (let at = 1; at < bytes.length; at++) {
      const { on, session } = open({ classes: [email] })
      on.command(command.query, LOAD)
      await on.until(1)
      on.write(filePackets([bytes.subarray(0, at), bytes.subarray(at), Buffer.from('2\tx\n')]))
      expect(await on.ended).toBe('failed')
      expect(codeOf(on)).toBe(1142)
      // Numbered behind the three packets and the end.
      expect(on.received.at(-1)?.sequence).toBe(6)
      expect(Buffer.concat(sentOn(on)).includes(maskSentinel)).toBe(false)
      expect(sentOn(on).some(({ length }) => length === 0)).toBe(false)
      expect(session.refusals).toHaveLength(1)
      expect(session.outcomes[0]?.outcome.status).toBe('failed')
    }
  })
})

it('whatever both ends do with a file, the gateway stands and the client is asked for one file at most', async () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 30 }),
    fc
      .tuple(fc.integer({ min: 0, max: 8 }), fc.uint8Array({ maxLength: 20 }))
      .map(([number, body]) => packets(body, number)),
    fc.constantFrom(
      packets(request('rows.csv'), 1),
      packets(request('/etc/passwd'), 1),
      packets(okPayload(), 3),
      packets(loaded(2), 4),
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.boolean(), piece), { maxLength: 10 }), async pieces => {
      const { on } = open({ server: () => undefined })
      on.command(command.query, LOAD)
      await come(on, 1)
      for (const [isClient, bytes] of pieces) {
        if (isClient) on.write(bytes)
        else on.answer(bytes)
        await turn()
      }
      on.leave()
      await on.ended
      const asked = on.received.filter(({ payload }) => payload[0] === 0xfb)
      expect(asked.length).toBeLessThanOrEqual(1)
      for (const { payload } of asked) expect(payload).toEqual(request('rows.csv'))
    }),
    { numRuns: 200 },
  )
})
