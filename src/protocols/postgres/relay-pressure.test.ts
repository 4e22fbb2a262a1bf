// What a session costs when one side does not read: memory stays bounded, and nothing is lost.
import { afterEach, expect, test } from 'vitest'
import { type Rig, rig } from './relay-doubles.ts'
import {
  commandComplete,
  copyDataFrame,
  copyResponse,
  dataRow,
  queryFrame,
  readyForQuery,
  rowDescription,
} from './relay-frames.ts'

const open: Rig[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.close()))
})

const MB = 1 << 20
const customers = { oid: 20_000, name: 'customers', columns: { id: 23, email: 25 } }
const classes = [{ name: 'email', columns: ['*.email'], mask: 'redact' }] as const

/** Writes until the socket has taken nothing for a while; answers how much it took. */
async function pour(
  socket: NodeJS.WritableStream & { bytesWritten: number; writableLength: number },
  block: Buffer,
  most: number,
): Promise<number> {
  let given = 0
  for (let idle = 0; idle < 20 && given < most; ) {
    if (socket.writableLength < MB) {
      socket.write(block)
      given += block.length
      idle = 0
    } else {
      idle += 1
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    if (given % (16 * block.length) === 0) await new Promise(resolve => setImmediate(resolve))
  }
  return given - socket.writableLength
}

test.each([
  ['passed', []],
  ['masked', classes],
] as const)(
  'a client that does not read stops an upstream whose rows are %s',
  async (_, chosen) => {
    const made = await rig({ tables: [customers], classes: chosen })
    open.push(made)
    const { client, upstream } = made
    client.send(queryFrame('select id, email from customers'))
    await upstream.next()
    client.socket.pause()
    upstream.send(
      rowDescription(
        { name: 'id', table: 20_000, attnum: 1, type: 23 },
        { name: 'email', table: 20_000, attnum: 2 },
      ),
    )
    const block = Buffer.concat(
      Array.from({ length: 2_000 }, (_, i) => dataRow(String(i), `user${i}@example.com`)),
    )
    const taken = await pour(upstream.socket, block, 64 * MB)
    // What the relay holds, and what the kernel's buffers on both legs hold.
    expect(taken).toBeLessThan(24 * MB)
    client.socket.resume()
    await new Promise<void>(resolve =>
      upstream.socket.write(Buffer.concat([commandComplete('SELECT 1'), readyForQuery('I')]), () =>
        resolve(),
      ),
    )
    const rows = (await client.until('Z')).filter(({ type }) => type === 'D').length
    expect(rows % 2_000).toBe(0)
    expect(rows).toBeGreaterThan(2_000)
  },
)

test('an upstream that does not read stops a client that copies in', async () => {
  const made = await rig()
  open.push(made)
  const { client, upstream } = made
  client.send(queryFrame('copy t from stdin'))
  await upstream.next()
  upstream.socket.pause()
  upstream.send(copyResponse('copyInResponse', 1))
  await client.next()
  const taken = await pour(client.socket, Buffer.from(copyDataFrame('x'.repeat(60_000))), 64 * MB)
  expect(taken).toBeLessThan(24 * MB)
})

test('a client that sends refusals and reads none is not read any more', async () => {
  const made = await rig()
  open.push(made)
  const { client } = made
  client.socket.pause()
  const block = Buffer.concat(Array.from({ length: 500 }, () => queryFrame('nonsense')))
  expect(await pour(client.socket, block, 64 * MB)).toBeLessThan(24 * MB)
})
