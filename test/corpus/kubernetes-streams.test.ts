// What a hostile client, and a hostile cluster, say once a connection has become streams: nothing of it goes on, nothing is
// held without bound, and the other side is left in order. Each stage has both ends in memory.
import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import type { Permit } from '#gateway'
import { isGatewayError } from '#model'
import { serverFrame } from '#proxy'
import { SpdyWriter } from '../../src/protocols/kubernetes/spdy/frame-writer.ts'
import {
  COMMAND,
  named,
  permit,
  type Stage,
  spdyCommand,
  staged,
  TERMINAL,
  text,
} from '../../src/protocols/kubernetes/streams/streams.testing.ts'
import { type Draws, draws } from '../draws.ts'

/** `SPDY_FUZZ=20000` for more. */
const CONVERSATIONS = Number(process.env['SPDY_FUZZ'] ?? 300)

type Command = ReturnType<typeof spdyCommand>

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const head = Buffer.from([0x80, 3, 0, type, flags, 0, 0, 0])
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, payload])
}

const words = (...values: readonly number[]) =>
  Buffer.concat(
    values.map(value => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return bytes
    }),
  )

/** Ended by us, and both sides know. */
function expectRefused({ outcome, client, upstream }: Stage): void {
  expect(outcome.error).toMatchObject({ code: 'protocol_violation' })
  expect([client.isEnded, upstream.isEnded]).toEqual([true, true])
}

const CLIENTS: readonly (readonly [string, (stage: Command) => Buffer[]])[] = [
  ['a stream by a number that was used', ({ says }) => [says.synStream(3, named('stdin'))]],
  [
    'a stream by a number that is the cluster’s',
    ({ says }) => [says.synStream(10, named('stdin'))],
  ],
  ['a second stdin', ({ says }) => [says.synStream(9, named('stdin'))]],
  ['a stream of no type', ({ says }) => [says.synStream(9, new Map())]],
  ['a stream that nobody asked for', ({ says }) => [says.synStream(9, named('resize'))]],
  ['a stream of another kind', ({ says }) => [says.synStream(9, named('data', { port: '80' }))]],
  ['data for a stream that there never was', ({ says }) => [says.data(99, text('x'))]],
  ['data on a stream that is read', ({ says }) => [says.data(5, text('x'))]],
  ['a status of its own', ({ says }) => [says.data(1, text('{"status":"Success"}'))]],
  ['an answer to a stream that nobody opened', ({ says }) => [says.synReply(3, new Map())]],
  ['headers on an open stream', () => [frame(8, 0, Buffer.concat([words(3), words(0)]))]],
  ['a window beyond all', () => [frame(9, 0, words(3, 0xffffffff))]],
  ['a window of nothing', () => [frame(9, 0, words(0, 0))]],
  ['an unknown frame', () => [frame(10, 0, words(3))]],
  ['a frame that is too long', () => [Buffer.from('8003000100ffffff', 'hex')]],
  [
    'pings without an end',
    ({ says }) => Array.from({ length: 40 }, (_, i) => says.ping(2 * i + 1)),
  ],
  [
    'frames for a stream that is over, without an end',
    ({ says }) => [
      says.data(3, Buffer.alloc(0), true),
      ...Array.from({ length: 10_001 }, () => says.data(3, text('x'))),
    ],
  ],
]

test.each(CLIENTS)('a client’s: %s', async (_name, says) => {
  const stage = spdyCommand()
  const before = stage.upstream.spdy.lines.length
  stage.client.say(...says(stage))
  await stage.done
  expectRefused(stage)
  const after = stage.upstream.spdy
  expect(after.lines.slice(before).filter(line => !/^ping|^end 3/.test(line))).toEqual([])
  expect(after.came(3)).toBe('')
})

const CLUSTERS: readonly (readonly [string, (stage: Command) => Buffer[]])[] = [
  ['a stream of its own', ({ answers }) => [answers.synStream(2, named('stdout'))]],
  ['a second answer', ({ answers }) => [answers.synReply(5, new Map())]],
  ['output on stdin', ({ answers }) => [answers.data(3, text('x'))]],
  ['output for a stream that nobody opened', ({ answers }) => [answers.data(77, text('x'))]],
  [
    'a status without an end',
    ({ answers }) => Array(3).fill(answers.data(1, Buffer.alloc(30_000))),
  ],
  ['headers on an open stream', () => [frame(8, 0, Buffer.concat([words(5), words(0)]))]],
  ['bytes that are no frame', () => [text('HTTP/1.1 200 OK\r\n\r\n')]],
  [
    'headers that never inflate',
    () => [frame(2, 0, Buffer.concat([words(5), Buffer.alloc(64, 7)]))],
  ],
  [
    'pings without an end',
    ({ answers }) => Array.from({ length: 40 }, (_, i) => answers.ping(2 * i + 2)),
  ],
]

test.each(CLUSTERS)('a cluster’s: %s', async (_name, says) => {
  const stage = spdyCommand()
  stage.upstream.say(...says(stage))
  await stage.done
  expectRefused(stage)
  const heard = stage.client.spdy
  expect(JSON.parse(heard.came(1))).toMatchObject({ status: 'Failure' })
  expect(heard.came(5) + heard.came(3)).toBe('')
})

test('what comes late for a stream that is over is dropped, and the others go on', () => {
  const { client, upstream, says, answers, outcome } = spdyCommand()
  client.say(says.data(3, Buffer.alloc(0), true), says.data(3, text('late')))
  upstream.say(answers.reset(7, 5), answers.data(7, text('late')), answers.data(5, text('on\n')))
  expect(upstream.spdy.came(3)).toBe('')
  expect(client.spdy.came(7)).toBe('')
  expect(client.spdy.came(5)).toBe('on\n')
  expect(outcome).toEqual({})
})

test('a flood of sizes is a size now and then', () => {
  const { client, upstream, says } = spdyCommand({ purpose: TERMINAL }, ['error', 'resize'])
  const flood = Buffer.concat(
    Array.from({ length: 20_000 }, (_, i) => text(`{"Width":${(i % 900) + 1},"Height":9}`)),
  )
  client.say(says.data(3, flood), says.data(3, flood))
  expect(upstream.spdy.came(3).split('\n').length).toBeLessThanOrEqual(2)
})

test('a size that is none, and never ends, is refused', async () => {
  const stage = spdyCommand({ purpose: TERMINAL }, ['error', 'resize'])
  stage.client.say(stage.says.data(3, Buffer.alloc(300, 0x7b)))
  await stage.done
  expectRefused(stage)
})

test('ports that are judged are the ports that are reached', async () => {
  const asked: number[] = []
  const forward = () =>
    staged({
      framing: 'spdy',
      purpose: { kind: 'forward', ports: [] },
      judge: port => {
        asked.push(port)
        return permit()
      },
    })
  const stream = (port: string, type = 'data', requestid = '0') => named(type, { port, requestid })
  for (const port of ['', '0', '080', '+80', '80 ', '65536', '0x50', '80,22', '1e3', '-1']) {
    const stage = forward()
    stage.client.say(new SpdyWriter().synStream(1, stream(port)))
    await stage.done
    expectRefused(stage)
    expect(stage.upstream.heard).toEqual([])
  }
  expect(asked).toEqual([])
  // The pair of a port that was permitted, with another port in its second half.
  const pair = forward()
  const says = new SpdyWriter()
  pair.client.say(says.synStream(1, stream('80', 'error')), says.synStream(3, stream('22')))
  await pair.done
  expectRefused(pair)
  expect(asked).toEqual([80])
  // A header that another reader would take for the port.
  const more = forward()
  const twice = named('data', { port: '80', requestid: '0', 'x-port': '22' })
  more.client.say(new SpdyWriter().synStream(1, twice))
  await new Promise(done => setImmediate(done))
  expect(more.upstream.spdy.lines).toEqual([
    'syn 1 streamtype=data,port=80,requestid=0 false 0 false',
  ])
})

test('a forward does not open streams, ports or halves of connections without an end', async () => {
  const stage = staged({
    framing: 'spdy',
    purpose: { kind: 'forward', ports: [] },
    judge: () => new Promise<Permit>(() => {}),
  })
  const says = new SpdyWriter()
  for (let id = 1; id < 400; id += 2)
    stage.client.say(says.synStream(id, named('data', { port: `${id}`, requestid: `${id}` })))
  await stage.done
  expectRefused(stage)
  expect(stage.upstream.heard).toEqual([])
})

/** As a client sends it. */
function masked(payload: Buffer, first = 0x82): Buffer {
  const plain = serverFrame(2, payload)
  plain[0] = first
  plain[1] = plain[1]! | 0x80
  const head = plain.length - payload.length
  return Buffer.concat([plain.subarray(0, head), Buffer.alloc(4), payload])
}

test.each<[string, Buffer]>([
  ['a message that is not masked', serverFrame(2, text('\x00x'))],
  ['a message by an extension', masked(text('\x00x'), 0xc2)],
  ['a close of two channels', masked(Buffer.from([255, 0, 3]))],
  ['a close of none', masked(Buffer.from([255]))],
  ['a frame behind a close', Buffer.concat([masked(Buffer.alloc(0), 0x88), masked(text('\x00x'))])],
])('over a WebSocket, a client’s: %s', async (_name, bytes) => {
  const stage = staged({ framing: 'channels', halfClose: true, purpose: COMMAND })
  stage.client.say(bytes)
  await stage.done
  expect([stage.client.isEnded, stage.upstream.isEnded]).toEqual([true, true])
  // At most a close: a first byte of 0x88.
  expect(stage.upstream.bytes.length === 0 || stage.upstream.bytes[0] === 0x88).toBe(true)
})

test('over a WebSocket, what a client says for a channel that it reads is refused', async () => {
  for (const channel of [1, 2, 3]) {
    const stage = staged({ framing: 'channels', purpose: COMMAND })
    stage.client.say(masked(Buffer.from([channel, 0x78])))
    await stage.done
    expectRefused(stage)
  }
})

test('whatever either side says, it ends in order or goes on, and a client is never heard as the cluster', async () => {
  const random = draws('streams')
  for (let i = 0; i < CONVERSATIONS; i += 1) {
    const stage = spdyCommand()
    const { client, upstream, says, answers } = stage
    for (let k = 0; k < 12 && stage.outcome.error === undefined; k += 1) {
      const id = random.below(6) * 2 + 1
      const bytes = Buffer.from('{"status":"Success"}'.slice(random.below(20)))
      const drawn = [
        () => client.say(says.data(id, bytes, random.below(3) === 0)),
        () => client.say(says.reset(id, 1 + random.below(9))),
        () => client.say(says.ping(1 + random.below(9))),
        () => client.say(spoiled(says.data(id, bytes), random)),
        () => upstream.say(answers.data(id, bytes, random.below(3) === 0)),
        () => upstream.say(answers.reset(id, 1 + random.below(9))),
        () => upstream.say(answers.ping(1 + random.below(9))),
        () => upstream.say(answers.goAway(random.below(9))),
        () => upstream.say(spoiled(answers.data(id, bytes), random)),
        () => (random.below(9) === 0 ? client.leave() : upstream.leave()),
      ]
      drawn[random.below(drawn.length)]?.()
    }
    client.leave()
    await stage.done
    const { error } = stage.outcome
    expect(error === undefined || isGatewayError(error), String(error)).toBe(true)
    // What they heard is whole frames of ours.
    expect(() => [client.spdy, upstream.spdy]).not.toThrow()
  }
}, 600_000)

function spoiled(bytes: Buffer, random: Draws): Buffer {
  const changed = Buffer.from(bytes)
  changed[random.below(changed.length)] = random.below(256)
  return changed
}
