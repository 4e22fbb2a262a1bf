import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMysqlAnalyser, type MysqlAnalyser, mysqlGrammar } from '#engines/sql'
import { Unavailable } from '#model'
import { sessionDouble } from '../postgres/relay-doubles.ts'
import { readError } from './messages.ts'
import { command } from './numbers.ts'
import { okPayload, stage } from './relay-doubles.ts'

let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

const open = (...options: Parameters<typeof sessionDouble>) => {
  const session = sessionDouble(...options)
  return { session, on: stage({ session, analyser, server: () => [okPayload()] }) }
}

describe('statements that go on record with those of other sessions', () => {
  it('leave after that, whole and in order, those of any length', async () => {
    const steps: string[] = []
    const { on } = open({ write: () => steps.push('written') })
    const long = `do '${'x'.repeat(20_000)}'`
    const texts = ['do 1', long, 'do /*!50000 2 */']
    for (const text of texts) on.command(command.query, text)
    await on.until(3)
    const came = on.commands.map(each => each.toString('latin1', 1))
    expect(came[1] === long).toBe(true)
    expect([came[0], came[2]]).toEqual(['do 1', 'do   2  '])
    expect(steps).toHaveLength(3)
    on.leave()
    await on.ended
  })

  it('never leave when they cannot be, and their session ends', async () => {
    const { on, session } = open({
      write: () => {
        throw new Unavailable('audit_unavailable', 'the audit log cannot be written')
      },
    })
    on.command(command.query, 'do 1')
    await on.until(1)
    const told = on.received[0]?.payload ?? Buffer.alloc(0)
    expect(readError(told, 0, told.length)?.message).toContain('audit_unavailable')
    expect(await on.ended).toBe('failed')
    expect(on.commands).toEqual([])
    expect(session.outcomes).toMatchObject([{ outcome: { status: 'failed' } }])
  })

  it('never leave once the session has ended', async () => {
    const { on, session } = open({
      decide: () => {
        queueMicrotask(() => session.ending.abort('identity_ended'))
        return undefined
      },
      write: () => {},
    })
    on.command(command.query, 'do 1')
    expect(await on.ended).toBe('identity_ended')
    expect(on.commands).toEqual([])
  })
})
