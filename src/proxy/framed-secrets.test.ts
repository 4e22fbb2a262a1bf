import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { FramedSecrets } from './framed-secrets.ts'
import { BINARY, type FrameHead, FrameReader, serverFrame } from './websocket.ts'

const SECRET = 'secret-of-the-upstream'
const PING = 9

/** A message in these frames, `between` standing before each but the first; what comes out, read again. */
function through(parts: readonly string[], between: readonly Uint8Array[] = []) {
  const out: Uint8Array[] = []
  const secrets = new FramedSecrets([SECRET], {
    frame: bytes => out.push(Buffer.from(bytes)),
    payload: bytes => out.push(Buffer.from(bytes)),
  })
  parts.forEach((part, at) => {
    if (at > 0) for (const each of between) secrets.frame(each)
    const frame = serverFrame(at === 0 ? BINARY : 0, Buffer.from(part))
    if (at < parts.length - 1) frame[0]! &= 0x7f
    const head = frame.length - Buffer.byteLength(part)
    secrets.frame(frame.subarray(0, head))
    secrets.payload(frame.subarray(head))
  })
  secrets.end()
  const read: string[] = []
  let under: FrameHead | undefined
  let text = ''
  const reader = new FrameReader(false, {
    head: head => {
      under = head
      text = ''
    },
    payload: bytes => {
      text += Buffer.from(bytes).toString()
    },
    end: () => read.push(`${under?.opcode}:${text}`),
  })
  reader.push(Buffer.concat(out))
  return read
}

describe('messages that come in frames', () => {
  const text = `a ${SECRET} b secret-of-the`
  const shown = `a ${'*'.repeat(SECRET.length)} b secret-of-the`

  it('hold no credential, wherever frames cut it, and each frame keeps its length', () => {
    for (let at = 0; at <= text.length; at += 1)
      for (const to of [at, at + 1, at + 7])
        expect(through([text.slice(0, at), text.slice(at, to), text.slice(to)])).toEqual([
          `2:${shown.slice(0, at)}`,
          `0:${shown.slice(at, to)}`,
          `0:${shown.slice(to)}`,
        ])
  })

  it('keep their order with what stands between their frames', () => {
    const ping = serverFrame(PING, Buffer.from('p'))
    expect(through(['x secret-of', '-the-upstream', '!'], [ping])).toEqual([
      '2:x *********',
      '9:p',
      '0:*************',
      '9:p',
      '0:!',
    ])
  })

  it('are refused when frames without end stand within what may be one', () => {
    const empty = Buffer.from([0, 0])
    const many = Array.from({ length: 20_000 }, () => empty)
    expect(() => through(['secret', 'x'], many)).toThrow(/too many frames/)
    expect(() => through(['nothing', 'x'], many.slice(0, 10))).not.toThrow()
  })
})
