import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import type { Permit } from '#gateway'
import { AccessDenied } from '#model'
import { serverFrame } from '#proxy'
import { SpdyReader } from '../spdy/frame-reader.ts'
import { SpdyWriter } from '../spdy/frame-writer.ts'
import { Told } from '../spdy/recorder.testing.ts'
import { named, permit, type Side, staged, text } from './streams.testing.ts'

const FORWARD = { kind: 'forward', ports: [] } as const
const settled = () => new Promise(done => setImmediate(done))

const half = (type: string, port: string, requestid: string) => named(type, { port, requestid })

/** A forward over SPDY; which ports were asked about, and what is answered. */
function forwarding(judge: (port: number) => Permit | Promise<Permit> = () => permit()) {
  const asked: number[] = []
  const stage = staged({
    framing: 'spdy',
    purpose: FORWARD,
    judge: port => {
      asked.push(port)
      return judge(port)
    },
  })
  return { ...stage, asked, says: new SpdyWriter(), answers: new SpdyWriter() }
}

test('each connection is a pair of streams, and its port is judged once', async () => {
  const { client, upstream, asked, says, answers, completed, done } = forwarding()
  client.say(says.synStream(1, half('error', '8080', '0')), says.data(1, Buffer.alloc(0), true))
  client.say(says.synStream(3, half('data', '8080', '0')), says.data(3, text('GET / ')))
  await settled()
  client.say(says.synStream(5, half('error', '8080', '1')))
  client.say(says.synStream(7, half('data', '8080', '1')))
  await settled()
  expect(asked).toEqual([8080])
  expect(upstream.spdy.lines).toEqual([
    'syn 1 streamtype=error,port=8080,requestid=0 false 0 false',
    'end 1',
    'syn 3 streamtype=data,port=8080,requestid=0 false 0 false',
    'syn 5 streamtype=error,port=8080,requestid=1 false 0 false',
    'syn 7 streamtype=data,port=8080,requestid=1 false 0 false',
  ])
  expect(upstream.spdy.came(3)).toBe('GET / ')
  upstream.say(answers.synReply(1, new Map()), answers.synReply(3, new Map()))
  upstream.say(answers.data(3, text('200 ann@example.com'), true))
  upstream.say(answers.data(1, text('no route for bob@example.com'), true))
  expect(client.spdy.came(3)).toBe('200 ann@example.com')
  expect(client.spdy.came(1)).toBe('no route for [redacted]')
  client.leave()
  await done
  expect(completed).toEqual([{ bytes: 25, errorCode: undefined }])
})

test('a port that is not permitted is never asked for, and its connection says why', async () => {
  const { client, upstream, asked, says, answers } = forwarding(port => {
    if (port === 22) throw new AccessDenied('no_permit', 'port 22 is not permitted')
    return permit()
  })
  client.say(says.synStream(1, half('error', '22', '0')), says.data(1, Buffer.alloc(0), true))
  client.say(says.synStream(3, half('data', '22', '0')), says.data(3, text('SSH-2.0-')))
  await settled()
  client.say(says.data(3, text('more')), says.data(3, Buffer.alloc(0), true))
  expect(upstream.heard).toEqual([])
  expect(asked).toEqual([22])
  expect(client.spdy.lines).toEqual(['reply 1  false', 'end 1', 'reply 3  false', 'end 3'])
  expect(client.spdy.came(1)).toBe('port 22 is not permitted (no_permit)')
  client.say(
    says.synStream(5, half('error', '80', '1')),
    says.synStream(7, half('data', '80', '1')),
  )
  await settled()
  upstream.say(answers.synReply(5, new Map()))
  expect(upstream.spdy.lines.length).toBe(2)
  expect(client.isEnded).toBe(false)
})

test('while somebody is asked, what the client sends waits, and not without bound', async () => {
  const answer = Promise.withResolvers<Permit>()
  const { client, upstream, says, done, outcome } = forwarding(() => answer.promise)
  client.say(says.synStream(1, half('data', '80', '0')), says.data(1, text('early')))
  await settled()
  expect(upstream.heard).toEqual([])
  answer.resolve(permit())
  await settled()
  await settled()
  expect(upstream.spdy.came(1)).toBe('early')
  const slow = forwarding(() => new Promise(() => {}))
  const writer = new SpdyWriter()
  slow.client.say(writer.synStream(1, half('data', '80', '0')))
  for (let i = 0; i < 5; i += 1) slow.client.say(writer.data(1, Buffer.alloc(16 * 1024)))
  await slow.done
  expect(slow.outcome.error).toMatchObject({ code: 'protocol_violation' })
  expect([outcome, slow.upstream.heard]).toEqual([{}, []])
  client.leave()
  await done
})

test('a stream that is given up before its other half comes is of no connection any more', async () => {
  const { client, upstream, says, outcome } = forwarding()
  for (let id = 1; id < 400; id += 2) {
    client.say(says.synStream(id, half('error', '80', `${id}`)))
    await settled()
    client.say(says.reset(id, 5))
  }
  client.say(says.synStream(401, half('data', '80', '1')))
  expect(upstream.spdy.lines.at(-1)).toBe(
    'syn 401 streamtype=data,port=80,requestid=1 false 0 false',
  )
  expect(outcome).toEqual({})
})

test('bytes of both ways count against the bound of the port', async () => {
  const { client, upstream, says, answers, outcome, done, completed } = forwarding(() =>
    permit({ bytes: 10 }),
  )
  client.say(
    says.synStream(1, half('error', '80', '0')),
    says.synStream(3, half('data', '80', '0')),
  )
  await settled()
  client.say(says.data(3, text('12345')))
  upstream.say(answers.data(3, text('123456')))
  await done
  expect(client.spdy.came(3)).toBe('')
  expect(client.spdy.came(1)).toMatch(/longer than the policy allows.*limit_exceeded/)
  expect(outcome.error).toMatchObject({ code: 'limit_exceeded' })
  expect(completed).toEqual([{ bytes: 5, errorCode: 'limit_exceeded' }])
})

test('SPDY inside a WebSocket is the same', async () => {
  const asked: number[] = []
  const { client, upstream, done, outcome } = staged({
    framing: 'tunnelled',
    purpose: FORWARD,
    judge: port => {
      asked.push(port)
      return permit()
    },
  })
  const says = new SpdyWriter()
  const answers = new SpdyWriter()
  client.say(
    masked(Buffer.concat([says.synStream(1, half('data', '80', '0')), says.data(1, text('up'))])),
  )
  await settled()
  const all = answers.data(1, text('down'), true)
  upstream.say(serverFrame(2, all.subarray(0, 3)), serverFrame(2, all.subarray(3)))
  expect(inside(upstream).came(1)).toBe('up')
  expect(inside(client).came(1)).toBe('down')
  expect(asked).toEqual([80])
  client.say(masked(Buffer.from([3, 232]), 8))
  await done
  expect(outcome.error).toBeUndefined()
})

test('channels are of the ports that the request named, and of no others', async () => {
  const purpose = { kind: 'forward', ports: [80, 8443] } as const
  const { client, upstream, done, outcome } = staged({ framing: 'channels', purpose })
  const port = (channel: number, number: number) =>
    serverFrame(2, Buffer.from([channel, number & 255, number >> 8]))
  upstream.say(port(0, 80), port(1, 80), port(2, 8443), port(3, 8443))
  client.say(masked(text('\x00up')), masked(text('\x02also')), masked(text('\x04nowhere')))
  upstream.say(serverFrame(2, text('\x00down')), serverFrame(2, text('\x03no: bob@example.com')))
  const heard = frames(client).map(each => each.toString('latin1'))
  expect(heard.slice(4)).toEqual(['\x00down', '\x03no: [redacted]'])
  expect(frames(upstream).map(String)).toEqual(['\x00up', '\x02also'])
  client.leave()
  await done
  expect(outcome).toMatchObject({ bytes: 10, failure: undefined })

  const other = staged({ framing: 'channels', purpose })
  other.upstream.say(port(0, 22))
  await other.done
  expect(other.outcome.error).toMatchObject({ code: 'protocol_violation' })
})

/** As a client sends it. */
function masked(payload: Buffer, opcode = 2): Buffer {
  const frame = serverFrame(opcode, payload)
  frame[1] = frame[1]! | 0x80
  const head = frame.length - payload.length
  return Buffer.concat([frame.subarray(0, head), Buffer.alloc(4), payload])
}

/** The payloads of binary messages that a side heard. */
function frames({ bytes }: Side): Buffer[] {
  const found: Buffer[] = []
  let at = 0
  while (at < bytes.length) {
    const isMasked = (bytes[at + 1]! & 0x80) !== 0
    const length = bytes[at + 1]! & 0x7f
    const start = at + 2 + (isMasked ? 4 : 0)
    const mask = isMasked ? bytes.subarray(at + 2, start) : Buffer.alloc(4)
    const payload = Buffer.from(bytes.subarray(start, start + length))
    if ((bytes[at]! & 15) === 2)
      found.push(Buffer.from(payload.map((byte, index) => byte ^ mask[index & 3]!)))
    at = start + length
  }
  return found
}

function inside(side: Side): Told {
  const told = new Told()
  new SpdyReader(told).push(Buffer.concat(frames(side)))
  return told
}
