import { afterEach, expect, it } from 'vitest'
import { isGatewayError } from '#model'
import { until } from '../../test/servers/programs.ts'
import { denial } from '../protocols/http/denial.ts'
import { type Front, RawClient, startFront } from '../transport/http/raw.testing.ts'
import { HeldBodies } from './held-bodies.ts'

let front: Front
afterEach(() => front?.close())

/** A front that reads bodies of 1,000 bytes at most, and holds them until `go`. */
async function start(bodies: HeldBodies) {
  const holding: (() => void)[] = []
  front = await startFront(async exchange => {
    try {
      const start = await bodies.read(exchange, 1_000)
      if ('rest' in start) {
        start.rest.cancel(new Error('longer'))
        exchange.answer(denial(new Error('longer')).head)
        return
      }
      await new Promise<void>(resolve => holding.push(resolve))
      start.release()
      start.release()
      exchange.answer({
        status: 204,
        fields: denial(new Error()).head.fields,
        body: { kind: 'none' },
      })
    } catch (error) {
      if (!isGatewayError(error)) throw error
      if (!exchange.answered) exchange.answer(denial(error).head, denial(error).body)
    }
  })
  return holding
}
const post = (length: number, body: string) =>
  `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`

it('holds so much for all clients together, and lets go of it when a request is over', async () => {
  const bodies = new HeldBodies(() => ({ heldBodyBytes: 1_500, bodyBytesPerSecond: 0 }))
  const holding = await start(bodies)
  const first = new RawClient(front.port)
  first.send(post(1_000, 'x'.repeat(1_000)))
  await until('the first to be held', async () => holding.length === 1)
  expect(bodies.held).toBe(1_000)
  const second = new RawClient(front.port)
  second.send(post(900, 'x'.repeat(900)))
  expect(await second.until(/too many bodies/)).toContain('HTTP/1.1 503 ')
  expect(bodies.held).toBe(1_000)
  holding.shift()?.()
  expect(await first.until(/204/)).toContain('204')
  expect(bodies.held).toBe(0)
  const third = new RawClient(front.port)
  third.send(post(900, 'x'.repeat(400)))
  await until('a part to be held', async () => bodies.held === 400)
  third.socket.destroy()
  await until('it to be let go', async () => bodies.held === 0)
})

it('resets whoever sends a body more slowly than the least rate, and nobody else', async () => {
  const bodies = new HeldBodies(() => ({ heldBodyBytes: 10_000, bodyBytesPerSecond: 50 }), 100)
  const holding = await start(bodies)
  const slow = new RawClient(front.port)
  slow.send(post(900, 'x'))
  const drip = setInterval(() => slow.send('x'), 200)
  const fair = new RawClient(front.port)
  fair.send(post(900, 'x'.repeat(700)))
  const steady = setInterval(() => fair.send('x'.repeat(100)), 100)
  await until('the slow one to be let go', async () => slow.closed)
  clearInterval(drip)
  await until('the other one to be read', async () => holding.length === 1)
  clearInterval(steady)
  holding.shift()?.()
  expect(await fair.until(/204/)).toContain('204')
  expect(slow.heard).toBe('')
  expect(bodies.held).toBe(0)
})
