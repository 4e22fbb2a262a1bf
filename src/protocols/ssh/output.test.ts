import { PassThrough } from 'node:stream'
import { setTimeout as later } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { createMasking, createTextStream, type TextStream } from '#engines/masking'
import type { Permit, Session } from '#gateway'
import { Allowance } from './allowance.ts'
import { Output } from './output.ts'

/** The host's side of a stream that is on its way to `sink`. */
function started(text: TextStream, sink: PassThrough): PassThrough {
  const source = new PassThrough()
  new Output({
    session: { recordOutput: () => undefined } as unknown as Session,
    permit: { text: () => text } as unknown as Permit,
    stream: 'output',
    source,
    sink,
    pressed: () => undefined,
    ending: new AbortController().signal,
    keep: () => 0,
    allowance: new Allowance({}, () => {}),
  })
  return source
}

/** A terminal's output with e-mail addresses hidden, with a clock of its own: what the client has after each piece. */
async function watched() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const scan = createMasking({
    classes: [{ name: 'email', columns: [], detect: 'email', mask: 'redact' }],
    tokenKey: new Uint8Array(32),
  }).scanner(['email'])
  if (scan === undefined) throw new Error('no detector')
  const sink = new PassThrough()
  let seen = ''
  sink.on('data', piece => {
    seen += piece
  })
  const source = started(createTextStream(scan), sink)
  return {
    seen: () => seen,
    /** The host says it, and then nothing for so long. */
    async say(piece: string, ms: number) {
      source.write(piece)
      await settled()
      await vi.advanceTimersByTimeAsync(ms)
      await settled()
    },
  }
}
const settled = () => new Promise(done => setImmediate(done))

afterEach(() => vi.useRealTimers())

test('a prompt, and each letter of who types at it, is seen at once', async () => {
  const shell = await watched()
  await shell.say('$ ', 26)
  expect(shell.seen()).toBe('$ ')
  for (const letter of 'uptime') await shell.say(letter, 26)
  expect(shell.seen()).toBe('$ uptime')
})

test('a bar that grows is seen to grow, whether it starts its line anew or not', async () => {
  const bar = await watched()
  for (let at = 1; at <= 20; at += 1) {
    await bar.say(`\r${'#'.repeat(at)}`, 10)
    // The newest drawing may be in the making; the one before is there.
    if (at > 1) expect(bar.seen().endsWith(`\r${'#'.repeat(at - 1)}\r`)).toBe(true)
  }
  const dots = await watched()
  for (let at = 1; at <= 200; at += 1) {
    await dots.say('.', 20)
    expect(at * 20 - dots.seen().length * 20).toBeLessThanOrEqual(280)
  }
})

test('a long line that comes all the time goes on within its window, and its values stay hidden', async () => {
  const line = await watched()
  let said = 0
  for (let at = 0; at < 300; at += 1) {
    const piece = `word${at} person${at}@example.com `
    said += piece.length
    await line.say(piece.slice(0, 9), 5)
    await line.say(piece.slice(9), 5)
  }
  expect(line.seen()).not.toMatch(/person\d/)
  expect(line.seen()).toContain('word150')
  await line.say('', 300)
  expect(line.seen()).toContain('word299')
  expect(said).toBeGreaterThan(8_000)
})

test('a client that does not read does not cut a line in two, past what is looked for in it', async () => {
  let held = ''
  const text = {
    get held() {
      return held.length
    },
    write(chunk: Uint8Array) {
      const all = held + Buffer.from(chunk).toString()
      const end = all.lastIndexOf('\n') + 1
      held = all.slice(end)
      return Buffer.from(all.slice(0, end))
    },
    flush() {
      const rest = held
      held = ''
      return Buffer.from(rest)
    },
    ease: () => new Uint8Array(0),
  }
  const sink = new PassThrough({ highWaterMark: 8 })
  const source = started(text, sink)
  source.write('a line that fills the window\nsomeone@exam')
  await later(80)
  expect(held).toBe('someone@exam')
  sink.resume()
  source.write('ple.com\n')
  await later(5)
  expect(held).toBe('')
})
