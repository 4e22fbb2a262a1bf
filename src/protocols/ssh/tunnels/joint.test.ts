// One tunnel, and every way to end it at once: it is over once, and said so once.

import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Outcome, Permit, Session } from '#gateway'
import { Joint } from './joint.ts'

function end() {
  const heard: string[] = []
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      heard.push(String(chunk))
      done()
    },
  })
  return { stream, heard, pressed: () => undefined }
}

function tunnel() {
  const over = new AbortController()
  const outcomes: Outcome[] = []
  let rules: () => void = () => {}
  let rows = 0
  let permitted = true
  const permit = {
    limit: {},
    current: true,
    statement: { text: '<tunnel> direct-tcpip db:1' },
  } as unknown as Permit
  const session = {
    signal: over.signal,
    onRules(listener: () => void) {
      rules = listener
      return () => {
        rules = () => {}
      }
    },
    renew: () => (permitted ? permit : undefined),
    recordAnswer: () => {
      rows += 1
    },
    complete: (_: Permit, outcome: Outcome) => void outcomes.push(outcome),
    catchUp() {},
  } as unknown as Session
  const [client, host] = [end(), end()]
  const joint = new Joint({ session, permit, client, host })
  const ways: Record<string, () => void> = {
    client: () => client.stream.destroy(),
    host: () => host.stream.destroy(),
    policy() {
      permitted = false
      rules()
    },
    session: () => over.abort('shutdown'),
    asked: () => joint.end('limit_exceeded'),
    half() {
      client.stream.push(null)
      host.stream.push(null)
    },
  }
  return { joint, client, host, ways, told: () => ({ outcomes, rows }) }
}

const NAMES = ['client', 'host', 'policy', 'session', 'asked', 'half']

it.each(NAMES.flatMap(a => NAMES.map(b => [a, b] as const)))(
  'a tunnel that is ended by %s and by %s in one turn is over once',
  async (first, second) => {
    const { joint, client, host, ways, told } = tunnel()
    client.stream.push('one')
    await turn()
    expect(host.heard).toEqual(['one'])
    ways[first]?.()
    ways[second]?.()
    ways[first]?.()
    await joint.done
    await turn()
    expect(told().outcomes).toHaveLength(1)
    expect(told().rows).toBe(1)
    // What still comes goes nowhere.
    client.stream.push('late')
    await turn()
    expect(host.heard).toEqual(['one'])
    expect([client.stream.destroyed, host.stream.destroyed]).toEqual([true, true])
  },
)

it('one whose session is over before it stands is over at once, and cancelled', async () => {
  const { ways, joint, told } = tunnel()
  ways['session']?.()
  await joint.done
  expect(told().outcomes).toMatchObject([{ status: 'cancelled', errorCode: 'session_ended' }])
})
