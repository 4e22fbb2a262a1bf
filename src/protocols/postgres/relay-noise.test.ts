// Noise on both legs: whatever comes, the relay ends cleanly or goes on; it never fails by a bug of ours, and a
// canary in a masked column never reaches the client.

import { expect, test } from 'vitest'
import { fc } from '../../../test/property.ts'
import { rig } from './relay-doubles.ts'
import {
  bare,
  bindFrame,
  closeFrame,
  commandComplete,
  copyDataFrame,
  copyDoneFrame,
  copyResponse,
  dataRow,
  describeFrame,
  executeFrame,
  flushFrame,
  parseFrame,
  queryFrame,
  readyForQuery,
  rowDescription,
  serverError,
  syncFrame,
} from './relay-frames.ts'

const customers = { oid: 20_000, name: 'customers', columns: { id: 23, email: 25 } }
const classes = [{ name: 'email', columns: ['*.email'], mask: 'redact' }] as const

const fromClient = fc.oneof(
  fc.constantFrom(
    queryFrame('select email from customers'),
    queryFrame('begin'),
    queryFrame('nonsense'),
    queryFrame('copy customers to stdout'),
    queryFrame('copy customers from stdin'),
    queryFrame('prepare p as select email from customers; execute p'),
    parseFrame('', 'select email from customers'),
    parseFrame('s', 'select email from customers where id = $1'),
    bindFrame('', ''),
    bindFrame('c', 's', ['1']),
    describeFrame('S', 's'),
    describeFrame('P', ''),
    executeFrame(),
    executeFrame('c', 1),
    closeFrame('S', 's'),
    flushFrame(),
    syncFrame(),
    copyDataFrame('x\n'),
    copyDoneFrame(),
  ),
  fc.uint8Array({ maxLength: 12 }),
)

// The canary is in cells of the masked column only, and in errors.
const fromUpstream = fc.oneof(
  fc.constantFrom(
    rowDescription({ name: 'email', table: 20_000, attnum: 2 }),
    dataRow('canary'),
    dataRow('canary', 'canary'),
    commandComplete('SELECT 1'),
    readyForQuery('I'),
    readyForQuery('T'),
    readyForQuery('E'),
    bare('parseComplete'),
    bare('bindComplete'),
    bare('closeComplete'),
    bare('noData'),
    bare('portalSuspended'),
    bare('emptyQueryResponse'),
    copyResponse('copyOutResponse', 2),
    copyResponse('copyInResponse', 2),
    copyDataFrame('1\tcanary\n'),
    bare('copyDone'),
    serverError('42P01', 'no'),
  ),
)

test('never makes a bug show, nor a canary', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.record({ client: fromClient }), fc.record({ upstream: fromUpstream })), {
        maxLength: 25,
      }),
      async steps => {
        const made = await rig({ tables: [customers], classes })
        const seen: Buffer[] = []
        made.client.socket.on('data', (chunk: Buffer) => seen.push(chunk))
        for (const step of steps) {
          if ('client' in step) made.client.socket.write(step.client)
          else made.upstream.socket.write(step.upstream)
          await new Promise(resolve => setTimeout(resolve, 1))
        }
        made.client.socket.destroy()
        made.upstream.socket.destroy()
        await expect(made.ended).resolves.toBeTypeOf('string')
        expect(Buffer.concat(seen).includes('canary')).toBe(false)
      },
    ),
    { numRuns: 150 },
  )
})
