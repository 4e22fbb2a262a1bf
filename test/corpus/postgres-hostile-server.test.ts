// A PostgreSQL server, or whoever sits in its place, that answers what was not asked. Nothing of that may reach the
// client as an answer, and no message may bring a classed value past its mask; the session ends, never the process.
import { afterEach, describe, expect, test } from 'vitest'
import { type Rig, type RigOptions, rig } from '../../src/protocols/postgres/relay-doubles.ts'
import {
  bare,
  bindFrame,
  commandComplete,
  copyResponse,
  dataRow,
  describeFrame,
  executeFrame,
  parameterStatus,
  parseFrame,
  queryFrame,
  readyForQuery,
  rowDescription,
  syncFrame,
} from '../../src/protocols/postgres/relay-frames.ts'

const CARD = '4111 1111 1111 1111'
const options: RigOptions = {
  tables: [{ oid: 20_000, name: 'customers', columns: { id: 23, email: 25 } }],
  classes: [
    { name: 'email', columns: ['*.email'], detect: 'email', mask: 'redact' },
    { name: 'card', columns: [], detect: 'card', mask: 'redact' },
  ],
}
const email = { name: 'email', table: 20_000, attnum: 2 }
const open: Rig[] = []

async function begin(more: RigOptions = {}): Promise<Rig> {
  const made = await rig({ ...options, ...more })
  open.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.close()))
})

/** A frame with any body. */
function frame(type: string, body: Uint8Array | string): Uint8Array {
  const bytes = Buffer.from(body as string, 'latin1')
  const made = Buffer.alloc(5 + bytes.length)
  made[0] = type.charCodeAt(0)
  made.writeUInt32BE(bytes.length + 4, 1)
  bytes.copy(made, 5)
  return made
}

/** An error, or a notice, of these fields. */
function report(fields: Readonly<Record<string, string>>, type: 'E' | 'N' = 'E'): Uint8Array {
  const severity = type === 'E' ? 'ERROR' : 'NOTICE'
  const all = Object.entries({ S: severity, V: severity, ...fields })
  return frame(type, `${all.map(([code, text]) => `${code}${text}\0`).join('')}\0`)
}

/** What the client gets until the session is over, or goes quiet. */
async function seen({ client }: Rig): Promise<string> {
  const frames: Buffer[] = []
  try {
    for (;;) {
      const { frame: bytes } = await client.next()
      frames.push(bytes)
      if (bytes[0] === 0x5a) break
    }
  } catch {
    // It was ended.
  }
  return Buffer.concat(frames).toString('latin1')
}

const select = 'select email from customers'

describe('answers that nobody asked for end the session', () => {
  test.each([
    ['a second ReadyForQuery', [readyForQuery('I'), readyForQuery('I')]],
    ['rows without a description', [dataRow('canary')]],
    ['COPY where there is none', [copyResponse('copyOutResponse', 1), frame('d', 'canary\n')]],
    ['COPY both ways', [frame('W', '\0\0\x01\0\0')]],
    ['COPY data without a beginning', [frame('d', 'canary\n')]],
    ['the answer of a function call', [frame('V', '\0\0\0\x06canary')]],
    ['another login', [frame('R', '\0\0\0\x03')]],
    ['another cancel key', [frame('K', '\0\0\0\x01\0\0\0\x01')]],
    ['an answer of the extended protocol', [bare('parseComplete')]],
    ['a suspended portal', [bare('portalSuspended')]],
    ['a row with more columns than were told', [rowDescription(email), dataRow('a', 'canary')]],
    ['a row with fewer', [rowDescription(email, email), dataRow('canary')]],
    [
      'a row that is longer than it says',
      [rowDescription(email), frame('D', '\0\x01\0\0\0\x01acanary')],
    ],
    [
      'a cell of negative length',
      [rowDescription(email), frame('D', '\0\x01\xff\xff\xff\x00canary')],
    ],
    [
      'a cell that is longer than its row',
      [rowDescription(email), frame('D', '\0\x01\0\0\xff\xffcanary')],
    ],
    ['a description of fewer columns than it says', [frame('T', '\x7f\xff')]],
    [
      'a description in a format that is none',
      [frame('T', '\0\x01e\0\0\0\x4e\x20\0\x02\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\x02')],
    ],
    ['an error without an end', [frame('E', 'SERROR\0Mcanary')]],
    ['a notice of nothing', [frame('N', '')]],
    ['a notification without a payload', [frame('A', '\0\0\0\x01canary')]],
    ['a setting with two values', [frame('S', 'TimeZone\0UTC\0canary\0')]],
    ['another encoding', [parameterStatus('client_encoding', 'SQL_ASCII')]],
    ['other strings', [parameterStatus('Standard_Conforming_Strings', 'off')]],
    ['a length of zero', [Buffer.from([0x44, 0, 0, 0, 0])]],
    ['a length over two gigabytes', [Buffer.from([0x44, 0xff, 0xff, 0xff, 0xff])]],
  ] as const)('%s', async (_, messages) => {
    const made = await begin()
    made.client.send(queryFrame(select))
    await made.upstream.next()
    made.upstream.send(...messages, commandComplete('SELECT 1'), readyForQuery('I'))
    let got = ''
    for (let i = 0; i < 3 && !/FATAL/.test(got) && !made.client.closed; i++) got += await seen(made)
    expect(got).not.toContain('canary')
    expect(['upstream_left', 'failed', 'protocol_violation']).toContain(await made.ended)
  })

  test('two descriptions: each masks its own rows', async () => {
    const made = await begin()
    made.client.send(queryFrame(select))
    await made.upstream.next()
    made.upstream.send(
      rowDescription({ name: 'id', table: 20_000, attnum: 1, type: 23 }),
      dataRow('1'),
      rowDescription(email),
      dataRow('canary'),
      commandComplete('SELECT 2'),
      readyForQuery('I'),
    )
    expect(await seen(made)).not.toContain('canary')
  })

  test('as many columns as a server can have, and more', async () => {
    const made = await begin()
    made.client.send(queryFrame(select))
    await made.upstream.next()
    const many = Array.from({ length: 3_000 }, () => email)
    made.upstream.send(
      rowDescription(...many),
      dataRow(...many.map(() => 'canary')),
      commandComplete('SELECT 1'),
      readyForQuery('I'),
    )
    const got = await seen(made)
    expect(got).not.toContain('canary')
    expect(got).toContain('m:email')
  })
})

describe('a statement that was refused', () => {
  test('must fail upstream: a server that says it ran is no server', async () => {
    const made = await begin()
    made.client.send(queryFrame('begin'))
    await made.upstream.next()
    made.upstream.send(commandComplete('BEGIN'), readyForQuery('T'))
    await seen(made)
    made.client.send(queryFrame('this is no sql'))
    await made.upstream.next()
    made.upstream.send(commandComplete('SELECT 1'), readyForQuery('T'))
    expect(await made.ended).toBe('upstream_left')
  })
})

describe('what a server says beside answers', () => {
  test.each([
    ['a notification', frame('A', `\0\0\0\x01news\0pay ${CARD} now\0`), 'news'],
    ['a notice', report({ C: '01000', M: `card ${CARD}` }, 'N'), '01000'],
    ['an unknown field of an error', report({ C: '22000', M: 'no', z: CARD }, 'N'), '22000'],
    [
      'a column that a function names',
      report({ C: 'P0001', M: 'no', c: CARD, F: 'pl_exec.c' }, 'N'),
      'P0001',
    ],
  ] as const)('%s does not show a card number', async (_, message, mark) => {
    const made = await begin()
    made.client.send(queryFrame('select 1'))
    await made.upstream.next()
    made.upstream.send(commandComplete('SELECT 1'), readyForQuery('I'))
    await seen(made)
    made.client.send(queryFrame('select 2'))
    await made.upstream.next()
    made.upstream.send(message, commandComplete('SELECT 1'), readyForQuery('I'))
    const got = await seen(made)
    expect(got).toContain(mark)
    expect(got).not.toContain('1111')
  })

  test('names that the server itself gives stay, for programs act on them', async () => {
    const made = await begin()
    made.client.send(queryFrame('update customers set id = 1'))
    await made.upstream.next()
    made.upstream.send(
      report({
        C: '23505',
        M: 'duplicate',
        D: 'Key (email)=(canary)',
        n: 'customers_pkey',
        F: 'nbtinsert.c',
      }),
      readyForQuery('I'),
    )
    const got = await seen(made)
    expect(got).toContain('customers_pkey')
  })
})

describe('rules that change while a portal is open', () => {
  test('what goes on is judged again, and masked by the rules of now', async () => {
    const reveal = { reveal: true }
    const made = await begin({
      decide: () => (made.session.current ? reveal : undefined),
    })
    const { client, upstream, session } = made
    client.send(queryFrame('begin'))
    await upstream.next()
    upstream.send(commandComplete('BEGIN'), readyForQuery('T'))
    await seen(made)
    client.send(
      parseFrame('', select),
      bindFrame('p', ''),
      describeFrame('P', 'p'),
      executeFrame('p', 1),
      syncFrame(),
    )
    await upstream.until('S')
    upstream.send(
      bare('parseComplete'),
      bare('bindComplete'),
      rowDescription(email),
      dataRow('shown once'),
      bare('portalSuspended'),
      readyForQuery('T'),
    )
    expect(await seen(made)).toContain('shown once')
    const before = session.statements.length
    session.current = false
    client.send(executeFrame('p', 1), syncFrame())
    await upstream.until('S')
    upstream.send(dataRow('canary'), commandComplete('SELECT 1'), readyForQuery('T'))
    expect(await seen(made)).not.toContain('canary')
    expect(session.statements.length).toBe(before + 1)
    expect(session.outcomes.filter(({ outcome }) => outcome.rows === 1)).toHaveLength(2)
  })
})
