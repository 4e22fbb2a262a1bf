import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { createMysqlAnalyser, type MysqlAnalyser, mysqlGrammar } from '#engines/sql'
import type { DataClass } from '#model'
import { sessionDouble } from '../postgres/relay-doubles.ts'
import { type Catalog, unreadCatalog } from './catalog-types.ts'
import { command } from './numbers.ts'
import { packets } from './packets.ts'
import { column, endOfRows, okPayload, type Stage, stage, textRow } from './relay-doubles.ts'

const SECRET = 'secret.person@example.com'
const email = { name: 'email', columns: ['*.email'], mask: 'redact' } as unknown as DataClass

let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

const inOnePiece = (...payloads: readonly Uint8Array[]): Buffer =>
  Buffer.concat(payloads.map((payload, index) => packets(payload, index + 1)))
/** Knows two columns of each table. */
const catalog: Catalog = {
  ...unreadCatalog(false),
  names: database => ({
    resolve: ({ schema, name }) => [
      { object: `${schema ?? database}.${name}`, kind: 'table', columns: ['note', 'email'] },
    ],
  }),
  columnOf: (object, column) => ({ sources: [{ object, column }], shape: 'same' }),
}
const open = (...options: Parameters<typeof sessionDouble>) => {
  const session = sessionDouble(...options)
  return { session, on: stage({ session, analyser, catalog, server: () => undefined }) }
}
/** Asks, has it answered once it has come, and gives what the client got for it. What the gateway asks itself is answered too. */
async function ask(on: Stage, text: string, answer: Buffer, packetsOfIt: number) {
  const had = on.received.length
  let heard = on.commands.length
  on.command(command.query, text)
  for (let last = ''; last !== text; heard++) {
    while (on.commands.length === heard) await new Promise(resolve => setImmediate(resolve))
    last = on.commands[heard]?.toString('latin1', 1) ?? ''
    // (A copy: packets are numbered anew where they stand.)
    on.answer(last === text ? Buffer.from(answer) : inOnePiece(okPayload()))
  }
  await on.until(had + packetsOfIt)
  return on.received.slice(had)
}
const inHex = (received: Stage['received']) =>
  received.map(({ sequence, payload }) => `${sequence} ${payload.toString('hex')}`)

describe('an answer whose columns are described as they were before', () => {
  const described = [
    Uint8Array.of(2),
    column('id', { table: 'again', type: 3, characterSet: 63 }),
    column('email', { table: 'again' }),
  ]
  const answer = (id: string) => inOnePiece(...described, textRow(id, SECRET), endOfRows())
  const text = (id: number) => `select id, email from again where id = ${id}`

  it('is the same for the client, and masked as the first, in its session and in another', async () => {
    const one = open({ classes: [email], answerBytes: 1_000 })
    const first = await ask(one.on, text(7), answer('7'), 6)
    const second = await ask(one.on, text(7), answer('7'), 6)
    const other = open({ classes: [email], answerBytes: 1_000 })
    const third = await ask(other.on, text(7), answer('7'), 6)
    expect(inHex(second)).toEqual(inHex(first))
    expect(inHex(third)).toEqual(inHex(first))
    expect(Buffer.concat(first.map(({ payload }) => payload)).toString('latin1')).not.toContain(
      SECRET,
    )
    expect(one.session.answers[1]).toEqual(one.session.answers[0])
    expect(one.session.answers[0]).toMatchObject({ columns: ['id', 'email'] })
    for (const { on } of [one, other]) {
      on.leave()
      await on.ended
    }
  })

  it('is masked for one who may not see what another one saw', async () => {
    const sees = open({ classes: [email], decide: () => ({ reveal: true }) })
    const shown = await ask(sees.on, text(1), answer('1'), 6)
    const again = await ask(sees.on, text(1), answer('1'), 6)
    const blind = open({ classes: [email] })
    const masked = await ask(blind.on, text(1), answer('1'), 6)
    expect(inHex(again)).toEqual(inHex(shown))
    expect(shown[4]?.payload.toString('latin1')).toContain(SECRET)
    expect(masked[4]?.payload.toString('latin1')).not.toContain(SECRET)
    for (const { on } of [sees, blind]) {
      on.leave()
      await on.ended
    }
  })

  it('is masked by what it says now, when it says something else than before', async () => {
    const { on } = open({ classes: [email] })
    const plain = [Uint8Array.of(1), column('note', { table: 'other' })]
    const asked = 'select note from other where id = 1'
    const before = await ask(on, asked, inOnePiece(...plain, textRow('n'), endOfRows()), 5)
    const turned = [Uint8Array.of(1), column('email', { table: 'other' })]
    const after = await ask(on, asked, inOnePiece(...turned, textRow(SECRET), endOfRows()), 5)
    expect(before[3]?.payload.toString('latin1', 1)).toBe('n')
    expect(after[3]?.payload.toString('latin1')).not.toContain(SECRET)
    on.leave()
    await on.ended
  })

  it('is masked in a session that has a temporary table of that name', async () => {
    const { on } = open({ classes: [email] })
    const asked = 'select note from hidden_by where id = 1'
    const told = [Uint8Array.of(1), column('note', { table: 'hidden_by' })]
    const rows = inOnePiece(...told, textRow(SECRET), endOfRows())
    await ask(on, asked, rows, 5)
    const before = await ask(on, asked, rows, 5)
    await ask(
      on,
      'create temporary table hidden_by select email as note from people',
      inOnePiece(okPayload()),
      1,
    )
    const after = await ask(on, asked, rows, 5)
    expect(before[3]?.payload.toString('latin1')).toContain(SECRET)
    expect(after[3]?.payload.toString('latin1')).not.toContain(SECRET)
    on.leave()
    await on.ended
  })

  it('ends the session when its packets are numbered otherwise', async () => {
    const { on } = open({ classes: [email] })
    await ask(on, text(3), answer('3'), 6)
    const wrong = answer('3')
    wrong.writeUInt8(3, (wrong[0] as number) + 4 + 3)
    await ask(on, text(3), wrong, 2)
    expect(await on.ended).toBe('upstream_left')
  })
})
