import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../test/servers/programs.ts'
import { Leg } from './leg.ts'

const open: { destroy(): void }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.destroy()
})

/** Both ends of a TCP connection. */
async function pair(): Promise<{ ours: Socket; theirs: Socket }> {
  const server: Server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const theirs = connect(address.port, '127.0.0.1')
  const [ours] = await accepted
  await (theirs.connecting ? once(theirs, 'connect') : undefined)
  server.close()
  open.push(ours, theirs)
  return { ours, theirs }
}

function collect(leg: Leg): { text(): string } {
  const chunks: Buffer[] = []
  leg.onData(chunk => chunks.push(chunk))
  return { text: () => Buffer.concat(chunks).toString() }
}

describe('a leg of a relay', () => {
  it('hands on what is read, in order, whatever is paused in between', async () => {
    const { ours, theirs } = await pair()
    const got = collect(new Leg(ours))
    let sent = ''
    for (let round = 0; round < 40; round++) {
      const part = `${round};`.repeat(1 + round * 100)
      sent += part
      theirs.write(part)
      if (round % 3 === 1) ours.pause()
      if (round % 3 === 0) ours.resume()
      if (round % 5 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    ours.resume()
    await until('it to come', () => got.text().length >= sent.length)
    expect(got.text()).toBe(sent)
  })

  it('keeps what comes while it is paused, and reads no more than a little of it', async () => {
    const { ours, theirs } = await pair()
    const got = collect(new Leg(ours))
    ours.pause()
    theirs.write(Buffer.alloc(4 << 20, 1))
    await until('it to come', () => ours.readableLength > 0)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(got.text()).toBe('')
    expect(ours.readableLength).toBeLessThan(1 << 20)
    ours.resume()
    await until('it to come', () => got.text().length === 4 << 20)
  })

  it('hears of the end behind the last bytes', async () => {
    const { ours, theirs } = await pair()
    const got = collect(new Leg(ours))
    const heard = new Promise<string>(resolve => ours.once('end', () => resolve(got.text())))
    theirs.end('the last words')
    expect(await heard).toBe('the last words')
  })

  it('sends in order what the system takes at once and what it does not', async () => {
    const { ours, theirs } = await pair()
    const leg = new Leg(ours)
    let drained = 0
    leg.onDrain(() => {
      drained += 1
    })
    leg.write(Buffer.from('small'))
    expect(leg.unsent).toBe(0)
    // Nobody reads yet: sooner or later the system takes no more.
    const large = Buffer.alloc(1 << 20, 'x')
    let count = 0
    while (leg.unsent === 0 && count < 200) {
      leg.write(large)
      count += 1
    }
    expect(leg.unsent).toBeGreaterThan(0)
    leg.write(Buffer.from('behind it'))
    leg.end()
    let bytes = 0
    let tail = ''
    theirs.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      tail = (tail + chunk.toString('latin1')).slice(-9)
    })
    await once(theirs, 'end')
    expect(bytes).toBe(5 + count * large.length + 9)
    expect(tail).toBe('behind it')
    expect(leg.unsent).toBe(0)
    expect(drained).toBeGreaterThan(0)
  })

  it('ends with an error, as its socket does, when the other side is gone', async () => {
    const { ours, theirs } = await pair()
    const leg = new Leg(ours)
    leg.onData(() => {})
    const errors: Error[] = []
    ours.on('error', error => errors.push(error))
    const closed = new Promise(resolve => ours.once('close', resolve))
    theirs.resetAndDestroy()
    for (let tries = 0; tries < 100 && !leg.destroyed; tries++) {
      leg.write(Buffer.from('anybody there?'))
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    await closed
    expect(leg.destroyed).toBe(true)
    expect(errors).toHaveLength(1)
    leg.write(Buffer.from('still nobody'))
  })

  it('uses any other stream as it is', async () => {
    const stream = new PassThrough()
    const leg = new Leg(stream)
    const got = collect(leg)
    leg.write(Buffer.from('through'))
    leg.end()
    await once(stream, 'end')
    expect(got.text()).toBe('through')
  })

  it('lets go of its socket, and whoever comes next reads what it did not', async () => {
    const { ours, theirs } = await pair()
    const names = ['data', 'drain'] as const
    const before = names.map(name => ours.listenerCount(name))
    const first = new Leg(ours)
    const got = collect(first)
    first.onDrain(() => {})
    theirs.write('for the first')
    await until('it to come', () => got.text().length > 0)
    first.write(Buffer.alloc(8 << 20, 97))
    first.detach()
    expect(names.map(name => ours.listenerCount(name))).toEqual(before)
    theirs.pause()
    theirs.write('for the second')
    await new Promise(resolve => setTimeout(resolve, 30))
    expect(got.text()).toBe('for the first')
    const second = new Leg(ours)
    const later = collect(second)
    ours.resume()
    await until('it to come', () => later.text().length > 0)
    expect(later.text()).toBe('for the second')
    expect(got.text()).toBe('for the first')
    // What was on its way goes out before what the next one writes.
    second.write(Buffer.from('END'))
    let sent = 0
    let last = ''
    theirs.on('data', (chunk: Buffer) => {
      sent += chunk.length
      last = chunk.subarray(-3).toString()
    })
    theirs.resume()
    await until('all of it', () => sent === (8 << 20) + 3)
    expect(last).toBe('END')
  })
})
