// A session that its client leaves by logging in anew: what of it may still run, what is handed on, and what ends.
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMysqlAnalyser, type MysqlAnalyser, mysqlGrammar } from '#engines/sql'
import { type SessionDouble, sessionDouble } from '../postgres/relay-doubles.ts'
import { readError, writeError } from './messages.ts'
import { capability, command, status } from './numbers.ts'
import { packets } from './packets.ts'
import { okPayload, type Stage, type StageOptions, stage, variableChange } from './relay-doubles.ts'

const CAPABILITIES =
  capability.protocol41 |
  capability.secureConnection |
  capability.pluginAuth |
  capability.connectAttributes
const BODY = Buffer.from('bob\0\x05proofshop/stock\0\x2d\0mysql_native_password\0\0', 'latin1')
const CHANGE = packets(Buffer.concat([Buffer.of(command.changeUser), BODY]), 0)
const query = (text: string): Buffer => packets(Buffer.from(`\x03${text}`), 0)

let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

const fine: NonNullable<StageOptions['server']> = body =>
  body[0] === command.quit ? undefined : [okPayload(status.autocommit)]
const open = (
  server: NonNullable<StageOptions['server']> = fine,
  options: Parameters<typeof sessionDouble>[0] = {},
): { session: SessionDouble; on: Stage } => {
  const session = sessionDouble(options)
  return {
    session,
    on: stage({ session, analyser, capabilities: CAPABILITIES, server }),
  }
}
const kinds = (on: Stage): (number | undefined)[] => on.commands.map(each => each[0])
const codes = (on: Stage): (number | undefined)[] =>
  on.received.map(({ payload }) => readError(payload, 0, payload.length)?.code)

describe('a client that logs in anew', () => {
  it('leaves a session of which the server has forgotten all, and gets no answer from it', async () => {
    const { on } = open()
    on.write(query('begin'))
    await on.until(1)
    on.write(CHANGE)
    expect(await on.ended).toBe('user_changed')
    expect(kinds(on)).toEqual([command.query, command.resetConnection, command.quit])
    expect(on.received).toHaveLength(1)
    expect(on.change?.login).toMatchObject({
      user: 'bob',
      database: 'shop/stock',
      plugin: 'mysql_native_password',
    })
    expect(on.client.destroyed).toBe(false)
    expect(on.client.isPaused()).toBe(true)
  })

  it('has none of what it sent behind run, however it is cut', async () => {
    const behind = Buffer.concat([query('delete from kept'), query('select 1').subarray(0, 7)])
    const all = Buffer.concat([CHANGE, behind])
    for (let at = 0; at <= all.length; at++) {
      const { on, session } = open()
      on.write(Buffer.from(all.subarray(0, at)))
      if (at % 2 === 0) await new Promise(resolve => setImmediate(resolve))
      on.write(Buffer.from(all.subarray(at)))
      expect(await on.ended).toBe('user_changed')
      expect(session.statements).toEqual([])
      expect(kinds(on)).toEqual([command.resetConnection, command.quit])
      const later: unknown = on.client.read()
      const rest = Buffer.concat(
        [on.change?.rest ?? [], (later as Buffer | null) ?? []].map(Buffer.from),
      )
      expect(rest.equals(behind)).toBe(true)
    }
  })

  it('waits for what it asked before: an answer, and a statement that is held', async () => {
    let decided = (_: object | undefined): void => {}
    const { on, session } = open(fine, {
      decide: ({ text }) =>
        text.includes('held') ? new Promise(resolve => (decided = resolve)) : undefined,
    })
    on.write(Buffer.concat([query('delete from kept'), query('delete from held'), CHANGE]))
    await on.until(1)
    await new Promise(resolve => setTimeout(resolve, 30))
    expect(kinds(on)).toEqual([command.query])
    decided(undefined)
    expect(await on.ended).toBe('user_changed')
    expect(kinds(on)).toEqual([command.query, command.query, command.resetConnection, command.quit])
    expect(on.received.map(({ sequence }) => sequence)).toEqual([1, 1])
    expect(session.outcomes.map(({ outcome }) => outcome.status)).toEqual([
      'completed',
      'completed',
    ])
  })

  it('leaves nothing on its socket, so that it may do so without end', async () => {
    const names = ['data', 'end', 'close', 'error', 'drain'] as const
    const { on } = open()
    const before = names.map(name => on.client.listenerCount(name))
    on.write(CHANGE)
    await on.ended
    const after = names.map(name => on.client.listenerCount(name))
    // (The pair's own ends are listened to by the stage alone.)
    expect(after.every((count, index) => count <= (before[index] as number))).toBe(true)
    expect(on.client.listenerCount('data')).toBe(0)
  })

  it.each([
    ['refuses to forget', [writeError({ code: 1047, state: '08S01', message: 'no' })]],
    ['tells of a mode that reads otherwise', [okPayload(status.noBackslashEscapes)]],
    ['tells of a character set', [okPayload(2, variableChange('character_set_client', 'gbk'))]],
  ] as const)('leaves also a server that %s: it is closed behind it', async (_, answer) => {
    const { on } = open(body => (body[0] === command.resetConnection ? answer : undefined))
    on.write(CHANGE)
    expect(await on.ended).toBe('user_changed')
    expect(kinds(on)).toEqual([command.resetConnection, command.quit])
    expect(on.received).toEqual([])
  })

  it('is not let go of a session that ended before: both connections close', async () => {
    const { on, session } = open(() => undefined)
    on.write(CHANGE)
    await expect.poll(() => on.commands.length).toBe(1)
    session.ending.abort('identity_ended')
    expect(await on.ended).toBe('identity_ended')
    expect(on.change).toBeUndefined()
    expect(codes(on)).toEqual([3169])
    expect(on.received[0]?.sequence).toBe(1)
    expect(on.client.destroyed).toBe(true)
  })

  it('is not let go when the server leaves, or says what has no place there', async () => {
    for (const bytes of [packets(Uint8Array.of(1), 1), packets(okPayload(), 9)]) {
      const { on } = open(() => undefined)
      on.write(CHANGE)
      await expect.poll(() => on.commands.length).toBe(1)
      on.answer(bytes)
      expect(await on.ended).toBe('upstream_left')
      expect(on.change).toBeUndefined()
      expect(on.client.destroyed).toBe(true)
    }
  })
})

describe('a change of user that cannot be read', () => {
  it('ends the session when a part of it is missing, and never goes on as before', async () => {
    for (let length = 0; length < BODY.length; length++) {
      const { on } = open()
      on.command(command.changeUser, BODY.subarray(0, length))
      on.command(command.ping)
      const reason = await on.ended
      // (What stands behind the database may be left out.)
      const whole = length >= BODY.indexOf('shop/stock\0') + 11
      if (!whole) {
        expect(reason).toBe('protocol_violation')
        expect(codes(on)).toEqual([1043])
        expect(on.client.destroyed).toBe(true)
      } else expect(['user_changed', 'protocol_violation']).toContain(reason)
      expect(kinds(on)).not.toContain(command.ping)
      expect(kinds(on)).not.toContain(command.changeUser)
    }
  })

  it.each([
    ['a proof that is longer than the packet', 'bob\0\xffproof'],
    ['a user without an end', 'bob'],
    ['a name that is not UTF-8', 'b\xffb\0\0shop\0'],
    ['a database without an end', 'bob\0\0shop'],
    ['attributes that are longer than the packet', 'bob\0\0shop\0\x2d\0p\0\xfc\xff\xff'],
    ['an attribute that is longer than all of them', 'bob\0\0shop\0\x2d\0p\0\x02\x09a'],
    ['attributes of a length that is none', 'bob\0\0shop\0\x2d\0p\0\xfb'],
    ['more than a login may have', `${'b'.repeat(200_000)}\0\0shop\0`],
  ])('ends the session: %s', async (_, body) => {
    const { on } = open()
    on.command(command.changeUser, Buffer.from(body, 'latin1'))
    expect(await on.ended).toBe('protocol_violation')
    expect(on.change).toBeUndefined()
    expect(codes(on)).toEqual([1043])
    expect(kinds(on)).toEqual([command.quit])
  })
})
