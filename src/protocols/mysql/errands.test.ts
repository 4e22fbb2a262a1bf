import { duplexPair } from 'node:stream'
import { expect, it } from 'vitest'
import { serveErrands } from './errands.ts'
import { createKillRegistry, killOf } from './kill.ts'
import { HEADER, packets, payloadLength } from './packets.ts'

const alice = { principal: 'alice', resource: 'shop' }

it('a connection that names no resource stops what its principal runs, and does nothing else', async () => {
  const kills = createKillRegistry()
  const own = kills.issue()
  let cancelled = 0
  own.stands({ ...alice, upstreamId: 4711, cancel: () => void cancelled++ })
  const [near, far] = duplexPair()
  const heads: number[] = []
  let rest = Buffer.alloc(0)
  far.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= HEADER && rest.length >= HEADER + payloadLength(rest, 0)) {
      heads.push(rest[HEADER] as number)
      rest = rest.subarray(HEADER + payloadLength(rest, 0))
    }
  })
  const served = serveErrands(
    { socket: near as never, rest: new Uint8Array(0), sequence: 3, capabilities: 0 },
    id => kills.request(id, { principal: 'alice' }),
    { loginMs: 1_000 },
  )
  for (const text of [`KILL QUERY ${own.id}`, 'kill 4711', 'select 1', 'KILL QUERY 5'])
    far.write(packets(Buffer.from(`\x03${text}`), 0))
  far.write(packets(Buffer.of(1), 0))
  await served
  await new Promise(resolve => setImmediate(resolve))
  expect(heads).toEqual([0, 0, 0, 0xff, 0xff])
  expect(cancelled).toBe(2)
})

it('nobody stops a session of another principal, or of another resource than their own connection’s', () => {
  const kills = createKillRegistry()
  const own = kills.issue()
  own.stands({ ...alice, upstreamId: 4711, cancel: () => expect.fail('it was stopped') })
  for (const id of [own.id, 4711]) {
    expect(kills.request(id, { principal: 'mallory', resource: 'shop' })).toBe(false)
    expect(kills.request(id, { principal: 'alice', resource: 'other' })).toBe(false)
  }
  own.forget()
  expect(kills.request(own.id, alice)).toBe(false)
})

it('knows the texts that clients stop others by, and leaves all others to be judged', () => {
  expect(killOf('KILL QUERY 12')).toBe(12)
  expect(killOf(' kill connection 12 ; ')).toBe(12)
  expect(killOf('KILL HARD QUERY 12')).toBe(12)
  for (const text of ['KILL USER root', 'KILL QUERY ID 12', 'KILL 12; drop table kept', 'KILL @a'])
    expect(killOf(text)).toBeUndefined()
})
