// A write under a bound of rows, with a server whose every answer is scripted: what it may not be left in.
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMysqlAnalyser, type MysqlAnalyser, mysqlGrammar } from '#engines/sql'
import { sessionDouble } from '../postgres/relay-doubles.ts'
import { unreadCatalog } from './catalog-types.ts'
import { readError, writeError, writeOk } from './messages.ts'
import { command, status } from './numbers.ts'
import { column, endOfRows, type Stage, stage, textRow } from './relay-doubles.ts'

let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

const ok = (affectedRows = 0, flags: number = status.autocommit, warnings = 0): Uint8Array =>
  writeOk({
    affectedRows,
    insertId: Uint8Array.of(0),
    status: flags,
    warnings,
    info: new Uint8Array(0),
  })
const fail = (code: number, message: string): Uint8Array =>
  writeError({ code, state: 'HY000', message })
const NEVER: readonly Uint8Array[] = []

/** A session whose writes may change two rows; `answers`: what the server says, by how the text begins. */
function open(answers: Readonly<Record<string, readonly Uint8Array[]>>) {
  const session = sessionDouble({ decide: () => ({ maxRows: 2 }) })
  const texts: string[] = []
  const on = stage({
    session,
    analyser,
    catalog: { ...unreadCatalog(false), undoes: object => object === 'app.kept' },
    server: body => {
      const text = body.toString('latin1', 1)
      texts.push(text)
      const found = Object.entries(answers).find(([start]) => text.startsWith(start))
      if (found !== undefined) return found[1] === NEVER ? undefined : found[1]
      return [ok(0, text.startsWith('SET autocommit = 0') ? 0 : status.autocommit)]
    },
  })
  return { on, session, texts }
}

const told = ({ received }: Stage): string => {
  const payload = received.at(-1)?.payload ?? Buffer.alloc(0)
  return readError(payload, 0, payload.length)?.message ?? ''
}
const WRITE = 'update kept set a = 1 where id < 9'

describe('a write under a bound', () => {
  it('is kept by a commit of its own, and answered as the server did', async () => {
    const { on, session, texts } = open({ update: [ok(2, status.inTransaction)] })
    on.command(command.query, WRITE)
    await on.until(1)
    expect(texts).toEqual([
      'SET autocommit = 0',
      WRITE,
      'COMMIT AND NO CHAIN NO RELEASE',
      'SET autocommit = 1',
    ])
    expect(on.received[0]?.payload).toEqual(Buffer.from(ok(2)))
    expect(session.outcomes.map(({ outcome }) => outcome)).toMatchObject([
      { status: 'completed', rows: 2 },
    ])
    on.leave()
    await on.ended
  })

  it('does not run where the server gives no way back', async () => {
    const { on, session, texts } = open({ SET: [ok()] })
    on.command(command.query, WRITE)
    await on.until(1)
    expect(texts).toEqual(['SET autocommit = 0'])
    expect(told(on)).toContain('gave no way back')
    expect(session.outcomes).toMatchObject([{ outcome: { status: 'failed', rows: 0 } }])
    on.leave()
    await on.ended
  })

  it('is not said to be kept when its commit fails', async () => {
    const { on, session, texts } = open({
      update: [ok(1, status.inTransaction)],
      COMMIT: [fail(1180, 'Got error 1 during COMMIT')],
    })
    on.command(command.query, WRITE)
    await on.until(1)
    expect(texts.slice(2)).toEqual([
      'COMMIT AND NO CHAIN NO RELEASE',
      'ROLLBACK AND NO CHAIN NO RELEASE',
      'SET autocommit = 1',
    ])
    expect(told(on)).toContain('during COMMIT')
    expect(session.outcomes).toMatchObject([{ outcome: { status: 'failed' } }])
    on.leave()
    await on.ended
  })

  it('is not said to be undone whole when the server warns that it is not', async () => {
    const { on } = open({ update: [ok(3, 0)], ROLLBACK: [ok(0, 0, 1)] })
    on.command(command.query, WRITE)
    await on.until(1)
    expect(told(on)).toContain('What is in no transaction could not be undone;')
    on.leave()
    await on.ended
  })

  it('ends the session when it cannot be undone', async () => {
    const { on, session } = open({ update: [ok(3, 0)], ROLLBACK: [fail(1181, 'no')] })
    on.command(command.query, WRITE)
    expect(await on.ended).toBe('upstream_left')
    expect(told(on)).toContain('did not end the transaction')
    expect(session.outcomes).toMatchObject([{ outcome: { status: 'failed', rows: 3 } }])
  })

  it.each(['SET autocommit = 0', 'update', 'COMMIT', 'SET autocommit = 1'])(
    'is on record once when the client leaves at %s',
    async step => {
      const { on, session, texts } = open({ update: [ok(1, 0)], [step]: NEVER })
      on.command(command.query, WRITE)
      while (!texts.some(text => text.startsWith(step)))
        await new Promise(resolve => setImmediate(resolve))
      on.leave()
      await on.ended
      expect(session.outcomes).toMatchObject([{ outcome: { status: 'cancelled' } }])
      expect(session.outcomes).toHaveLength(1)
    },
  )

  it('ends the session when the server answers it with rows', async () => {
    const { on } = open({ update: [Uint8Array.of(1), column('a'), textRow('x'), endOfRows()] })
    on.command(command.query, WRITE)
    expect(await on.ended).toBe('upstream_left')
  })

  it('does not run when the rules are others by then', async () => {
    const { on, session, texts } = open({})
    session.renew = () => undefined
    session.current = false
    on.command(command.query, WRITE)
    await on.until(1)
    expect(told(on)).toContain('reason: approval_superseded')
    expect(texts).toEqual([])
    on.leave()
    await on.ended
  })

  it.each([
    'update elsewhere set a = 1',
    'delete kept, elsewhere from kept join elsewhere',
    'create table t (a int)',
    'update kept set a = 1; update kept set a = 2',
    'truncate kept',
    "load data infile 'x' into table kept",
  ])('is refused when that cannot be held to it: %s', async text => {
    const { on, texts } = open({})
    on.command(command.query, text)
    await on.until(1)
    expect(told(on)).toContain('bound to a number of rows')
    expect(texts).toEqual([])
    on.leave()
    await on.ended
  })
})
