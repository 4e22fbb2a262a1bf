import { Buffer } from 'node:buffer'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Body, type BodyWriter, Fields, type Tunnel } from '#transport/http'
import type { TunnelParts } from './dialect.ts'
import { serveWebSocket } from './tunnel.ts'

const HELLO = Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello')])

function side() {
  const heard = { text: '', ended: false, aborted: false }
  const outgoing: BodyWriter = {
    write(bytes) {
      heard.text += Buffer.from(bytes).toString('latin1')
      return true
    },
    end() {
      heard.ended = true
    },
    abort() {
      heard.aborted = true
    },
    onDrain() {},
    onLost() {},
  }
  const incoming = new Body({ pause() {}, resume() {}, cancel() {} })
  return { heard, incoming, tunnel: { incoming, outgoing } satisfies Tunnel }
}

function joined() {
  const [client, upstream] = [side(), side()]
  let recorded = ''
  const told = vi.fn()
  const served = serveWebSocket({
    response: {
      head: { status: 101, fields: Fields.none, body: { kind: 'none' } },
      body: upstream.incoming,
      tunnel: upstream.tunnel,
    },
    session: {
      resource: { recording: { keep: 'answers', answerBytes: 1_000 } },
      recordOutput: (_permit: unknown, _stream: string, bytes: Uint8Array) => {
        recorded += Buffer.from(bytes).toString()
      },
    },
    permit: { masks: false, limit: {} },
    exchange: { upgrade: () => client.tunnel },
    signal: new AbortController().signal,
    secrets: [],
    shown: (fields: Fields) => fields,
    told,
  } as unknown as TunnelParts)
  return { client, upstream, served, told, recorded: () => recorded }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('passes nothing on, and records nothing, of what comes behind the end', async () => {
  const { client, upstream, served, told, recorded } = joined()
  upstream.incoming.push(HELLO)
  client.incoming.finish()
  await served
  upstream.incoming.push(HELLO)
  expect(client.heard.text).toBe(HELLO.toString('latin1'))
  expect(recorded()).toBe('hello\n')
  expect(told).toHaveBeenCalledExactlyOnceWith(HELLO.length, undefined)
})

it('cuts a side that does not leave when the other one has', async () => {
  for (const leaving of ['client', 'upstream'] as const) {
    const { client, upstream, served, ...tunnel } = joined()
    ;({ client, upstream })[leaving].incoming.finish()
    await served
    expect([client.heard, upstream.heard]).toMatchObject(
      Array(2).fill({ ended: true, aborted: false }),
    )
    vi.advanceTimersByTime(30_000)
    expect([client.heard.aborted, upstream.heard.aborted]).toEqual([true, true])
    expect(tunnel.told).toHaveBeenCalledOnce()
  }
})
