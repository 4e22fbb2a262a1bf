import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { until } from '../../test/servers/programs.ts'
import { DialAhead, dialTcp } from './index.ts'

const HOST = '127.0.0.1'
let server: Server
let port: number
let came: Socket[]
let now: number
let dials: number
let dialled: Socket[]
let ahead: DialAhead

beforeEach(async () => {
  came = []
  server = createServer(socket => {
    socket.on('error', () => {})
    came.push(socket)
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
  now = 0
  dials = 0
  dialled = []
  ahead = new DialAhead({
    dial: async (host, to) => {
      dials++
      const socket = await dialTcp(host, to, { timeoutMs: 2_000 })
      dialled.push(socket)
      return socket
    },
    now: () => now,
  })
})
afterEach(() => {
  vi.useRealTimers()
  for (const socket of came) socket.destroy()
  server.close()
})

/** Two logins, one close behind the other. */
async function rush(): Promise<void> {
  ahead.loggedIn(HOST, port)
  now += 10
  ahead.loggedIn(HOST, port)
  await until('the next connection to stand', () => came.length === 1 && dialled.length === 1)
  // It is kept once the promise of it is heard.
  await new Promise(setImmediate)
}

function taken(): Socket {
  const socket = ahead.take(HOST, port)
  if (socket === undefined) throw new Error('no connection stands ahead')
  return socket
}

/** Whatever it closes with. */
function closed(socket: Socket | undefined): Promise<unknown> {
  return new Promise(resolve => socket?.once('close', resolve))
}

describe('a connection dialled ahead', () => {
  it('is none while logins lie apart', async () => {
    ahead.loggedIn(HOST, port)
    now += 1_000
    ahead.loggedIn(HOST, port)
    await new Promise(setImmediate)
    expect([dials, ahead.take(HOST, port)]).toEqual([0, undefined])
  })

  it('stands when logins follow one another, for the next one and nobody else', async () => {
    await rush()
    expect(ahead.take(HOST, port + 1)).toBeUndefined()
    const socket = taken()
    expect(ahead.take(HOST, port)).toBeUndefined()
    socket.write('hello')
    const [said] = (await once(came[0] as Socket, 'data')) as [Buffer]
    expect(said.toString()).toBe('hello')
    const answer = once(socket, 'data')
    came[0]?.write('good day')
    socket.resume()
    expect(String(((await answer) as [Buffer])[0])).toBe('good day')
    socket.destroy()
  })

  it('is one at a time', async () => {
    await rush()
    for (let more = 0; more < 5; more++) ahead.loggedIn(HOST, port)
    const socket = taken()
    expect(dials).toBe(1)
    socket.destroy()
  })

  it.each([
    ['left', (socket: Socket) => socket.end()],
    ['was reset', (socket: Socket) => socket.resetAndDestroy()],
    ['was spoken on before anybody asked', (socket: Socket) => socket.write('?')],
  ])('is not given out when it %s', async (_, spoil) => {
    await rush()
    const gone = closed(dialled[0])
    spoil(came[0] as Socket)
    await gone
    expect(ahead.take(HOST, port)).toBeUndefined()
  })

  it('is closed when nobody comes for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    ahead.loggedIn(HOST, port)
    ahead.loggedIn(HOST, port)
    while (dialled.length === 0) await new Promise(setImmediate)
    await new Promise(setImmediate)
    const gone = closed(dialled[0])
    vi.advanceTimersByTime(2_000)
    await gone
    expect(ahead.take(HOST, port)).toBeUndefined()
  })

  it('is left out where nobody listens', async () => {
    server.close()
    ahead.loggedIn(HOST, port)
    ahead.loggedIn(HOST, port)
    await until('the try to be over', () => dials === 1)
    expect(ahead.take(HOST, port)).toBeUndefined()
  })
})
