import { PassThrough } from 'node:stream'
import { setTimeout as later } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Permit, Session } from '#gateway'
import { Allowance } from './allowance.ts'
import { Output } from './output.ts'

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
  }
  const [source, sink] = [new PassThrough(), new PassThrough({ highWaterMark: 8 })]
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
  source.write('a line that fills the window\nsomeone@exam')
  await later(80)
  expect(held).toBe('someone@exam')
  sink.resume()
  source.write('ple.com\n')
  await later(5)
  expect(held).toBe('')
})
