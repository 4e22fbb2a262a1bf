import { Buffer } from 'node:buffer'
import { setTimeout as later } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { AccessDenied } from '#model'
import { serverFrame } from '#proxy'
import { COMMAND, permit, spdyCommand, staged, TERMINAL, text } from './streams.testing.ts'

const SUCCESS = '{"metadata":{},"status":"Success"}'
const EXIT_3 = JSON.stringify({
  metadata: {},
  status: 'Failure',
  message: 'command terminated with non-zero exit code: 3, said bob@example.com',
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: '3' }] },
})

test('a command over SPDY: what it is sent and what it says pass, and how it ended is known', async () => {
  const { client, upstream, says, answers, done, outcome, recorded } = spdyCommand()
  client.say(says.data(3, text('input')), says.data(3, Buffer.alloc(0), true))
  expect(upstream.spdy.came(3)).toBe('input')
  expect(upstream.spdy.lines).toEqual([
    ...['error', 'stdin', 'stdout', 'stderr'].map(
      (type, index) => `syn ${1 + 2 * index} streamtype=${type} false 0 false`,
    ),
    'end 3',
  ])
  upstream.say(answers.data(5, text('output\n')), answers.data(7, text('trouble\n')))
  upstream.say(answers.data(5, Buffer.alloc(0), true), answers.data(7, Buffer.alloc(0), true))
  upstream.say(answers.data(1, text(SUCCESS), true), answers.goAway(7))
  upstream.leave()
  await done
  const heard = client.spdy
  expect([heard.came(5), heard.came(7), heard.came(1)]).toEqual(['output\n', 'trouble\n', SUCCESS])
  expect(heard.lines).toEqual([
    ...['reply 1  false', 'reply 3  false', 'reply 5  false', 'reply 7  false'],
    ...['end 5', 'end 7', 'end 1', 'goaway 7 0'],
  ])
  expect(outcome).toEqual({ bytes: 15, failure: undefined })
  expect(recorded).toEqual(['output output\n', 'error trouble\n'])
})

test('an exit code is what came of it, and what is hidden is hidden in output and in words', async () => {
  const { client, upstream, answers, done, outcome } = spdyCommand()
  upstream.say(answers.data(5, text('mail ann@exam')), answers.data(5, text('ple.com now\n')))
  upstream.say(answers.data(1, text(EXIT_3.slice(0, 40))), answers.data(1, text(EXIT_3.slice(40))))
  upstream.say(answers.reset(5, 5))
  upstream.leave()
  await done
  const heard = client.spdy
  expect(heard.came(5)).not.toContain('ann@example.com')
  expect(heard.came(5)).toMatch(/^mail .* now\n$/)
  expect(heard.came(1)).not.toContain('bob@example.com')
  expect(JSON.parse(heard.came(1))).toMatchObject({
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '3' }] },
  })
  expect(outcome.failure).toBe('3')
})

test('the credential that opened the way does not come back by it', async () => {
  const { client, upstream, answers, done } = spdyCommand({ secrets: ['gateway-token'] })
  upstream.say(answers.data(5, text('it is gateway')), answers.data(5, text('-token, they say\n')))
  upstream.say(answers.data(1, text('{"status":"Failure","message":"no gateway-token"}'), true))
  upstream.leave()
  await done
  expect(client.spdy.came(5)).toBe('it is *************, they say\n')
  expect(client.spdy.came(1)).not.toContain('gateway-token')
})

test('a prompt is seen though its line has no end', async () => {
  const { client, upstream, answers } = spdyCommand()
  upstream.say(answers.data(5, text('$ ')))
  await later(60)
  expect(client.spdy.came(5)).toBe('$ ')
})

test('a terminal is followed as it grows, no oftener than it can be drawn, and recorded with its size', async () => {
  const { client, upstream, says, answers, recorded } = spdyCommand({ purpose: TERMINAL }, [
    ...['error', 'stdin', 'stdout', 'resize'],
  ])
  client.say(says.data(7, text('{"Width":80,"Hei')), says.data(7, text('ght":24}\n')))
  for (let width = 81; width <= 2_000; width += 1)
    client.say(says.data(7, text(`{"Width":${width},"Height":25}`)))
  client.say(says.data(7, text('{"Width":0,"Height":25}{"Height":"x"}')))
  upstream.say(answers.data(5, text('drawn\r\n')))
  client.say(says.data(3, text('ls\r')))
  await later(80)
  expect(upstream.spdy.came(7)).toBe('{"Width":80,"Height":24}\n{"Width":1000,"Height":25}\n')
  expect(recorded).toEqual([
    ...['size 80x24', 'size 80x24', 'output drawn\r\n', 'typed ls\r', 'size 1000x25'],
  ])
})

test('when rules change, what comes next is shown by the new ones', () => {
  const { client, upstream, answers, renew, outcome } = spdyCommand({ permit: permit({}, false) })
  upstream.say(answers.data(5, text('ann@example.com\n')))
  renew(permit())
  upstream.say(answers.data(5, text('bob@example.com\n')))
  expect(client.spdy.came(5)).toMatch(/^ann@example\.com\n(?!bob)/)
  renew(permit({}, false))
  upstream.say(answers.data(5, text('cy@example.com\n')))
  expect(client.spdy.came(5)).toMatch(/\ncy@example\.com\n$/)
  expect(outcome).toEqual({})
})

test('what may no longer be seen ends in the words of the API, and nothing more goes on', async () => {
  const { client, upstream, says, answers, abort, done, outcome } = spdyCommand()
  upstream.say(answers.data(5, text('held back')))
  abort(new AccessDenied('session_ended', 'it was ended'))
  await done
  const heard = client.spdy
  expect(JSON.parse(heard.came(1))).toMatchObject({
    kind: 'Status',
    status: 'Failure',
    message: 'it was ended.',
    details: { causes: [{ reason: 'session_ended' }] },
  })
  expect(heard.came(5)).toBe('')
  expect(heard.lines.at(-1)).toBe('goaway 7 0')
  expect([client.isEnded, upstream.isEnded]).toEqual([true, true])
  expect(outcome.error).toMatchObject({ code: 'session_ended' })
  const before = upstream.bytes.length
  client.say(says.data(3, text('more')))
  expect(upstream.bytes.length).toBe(before)
})

test('a command whose cluster is lost did not go well', async () => {
  const { client, upstream, answers, done, outcome } = spdyCommand()
  upstream.say(answers.data(5, text('the first half')))
  upstream.leave()
  await done
  expect(client.spdy.came(5)).toBe('the first half')
  expect(JSON.parse(client.spdy.came(1))).toMatchObject({ status: 'Failure' })
  expect(outcome.error).toMatchObject({ code: 'upstream_lost' })
})

test('output ends where the policy says', async () => {
  const { client, upstream, answers, done, outcome } = spdyCommand({
    permit: permit({ bytes: 10 }),
  })
  upstream.say(answers.data(5, text('0123456789abc\n')))
  await done
  expect(client.spdy.came(5)).toBe('0123456789')
  expect(outcome.error).toMatchObject({ code: 'limit_exceeded' })
})

test('a slow client holds the cluster back, and a slow cluster the client', () => {
  const { client, upstream, says, answers } = spdyCommand()
  client.slow = true
  upstream.say(answers.data(5, text('line\n')))
  expect([client.paused, upstream.paused]).toEqual([false, true])
  upstream.slow = true
  client.say(says.data(3, text('line\n')))
  expect([client.paused, upstream.paused]).toEqual([true, true])
  client.drain()
  upstream.drain()
  return later(1).then(() => expect([client.paused, upstream.paused]).toEqual([false, false]))
})

/** As a client sends it: masked. */
function message(...bytes: readonly (number | string)[]): Buffer {
  const payload = Buffer.concat(
    bytes.map(each => (typeof each === 'number' ? Buffer.from([each]) : text(each))),
  )
  const frame = serverFrame(2, payload)
  frame[1] = frame[1]! | 0x80
  const head = frame.length - payload.length
  // A mask of zeros changes nothing.
  return Buffer.concat([frame.subarray(0, head), Buffer.alloc(4), payload])
}

/** What a side heard, as messages; those of the upstream are masked. */
function messages(bytes: Buffer): string[] {
  const heard: string[] = []
  let at = 0
  while (at < bytes.length) {
    const opcode = bytes[at]! & 15
    const isMasked = (bytes[at + 1]! & 0x80) !== 0
    const short = bytes[at + 1]! & 0x7f
    at += 2
    const length = short === 126 ? bytes.readUInt16BE(at) : short
    if (short === 126) at += 2
    const mask = isMasked ? bytes.subarray(at, at + 4) : Buffer.alloc(4)
    if (isMasked) at += 4
    const payload = Buffer.from(bytes.subarray(at, at + length)).map(
      (byte, index) => byte ^ mask[index & 3]!,
    )
    at += length
    const words = opcode === 2 ? `${payload[0]} ` : `<${opcode}> `
    heard.push(words + Buffer.from(payload.subarray(opcode === 2 ? 1 : 0)).toString('latin1'))
  }
  return heard
}

test('a command over channels of a WebSocket, of which one may end before the others', async () => {
  const stage = staged({ framing: 'channels', halfClose: true, purpose: COMMAND })
  const { client, upstream, done, outcome } = stage
  client.say(message(0, 'input'), message(255, 0), message(9, 'nobody'), message(4, '{}'))
  expect(messages(upstream.bytes)).toEqual(['0 input', '255 \x00'])
  upstream.say(serverFrame(2, Buffer.from([1])))
  upstream.say(serverFrame(2, text('\x01mail ann@example.com\n')))
  upstream.say(serverFrame(2, text(`\x02trouble`)), serverFrame(2, text(`\x03${EXIT_3}`)))
  upstream.say(serverFrame(9, text('are you there')), serverFrame(8, Buffer.from([3, 232])))
  await done
  const heard = messages(client.bytes)
  expect(heard.slice(0, 1)).toEqual(['1 '])
  expect(heard[1]).toMatch(/^1 mail .*\n$/)
  expect(heard[1]).not.toContain('ann@')
  expect(heard.slice(2, 3)).toEqual(['2 trouble'])
  expect(JSON.parse(heard[3]!.slice(2))).toMatchObject({ reason: 'NonZeroExitCode' })
  expect(heard.slice(4)).toEqual(['<8> \x03\xe8'])
  expect(messages(upstream.bytes).slice(2)).toEqual(['<10> are you there', '<8> \x03\xe8'])
  expect(outcome).toMatchObject({ failure: '3' })
})

test('without streams that end, a channel is not ended either; parts of messages are one stream', () => {
  const { client, upstream } = staged({ framing: 'channels', purpose: COMMAND })
  const whole = message(0, 'in parts')
  const first = Buffer.concat([Buffer.from([0x02, 0x83]), whole.subarray(2, 9)])
  const rest = Buffer.concat([Buffer.from([0x80, 0x86]), Buffer.alloc(4), whole.subarray(9)])
  for (const byte of Buffer.concat([first, rest, message(255, 0)])) client.say(Buffer.from([byte]))
  expect(messages(upstream.bytes).every(each => each.startsWith('0 '))).toBe(true)
  expect(
    messages(upstream.bytes)
      .map(each => each.slice(2))
      .join(''),
  ).toBe('in parts')
})

test('over a WebSocket too, the client hears why it was ended', async () => {
  const { client, abort, done } = staged({ framing: 'channels', purpose: COMMAND })
  abort(new AccessDenied('session_ended', 'it was ended'))
  await done
  const heard = messages(client.bytes)
  expect(JSON.parse(heard[0]!.slice(2))).toMatchObject({ message: 'it was ended.' })
  expect(heard[1]).toBe('<8> \x03\xe8')
})
