import { afterEach, describe, expect, test } from 'vitest'
import { AccessDenied, Unavailable } from '#model'
import { within } from '../../../test/servers/programs.ts'
import {
  type Decide,
  type Frames,
  HIDDEN,
  type Rig,
  type RigOptions,
  rig,
} from './relay-doubles.ts'
import {
  bare,
  bindFrame,
  cellsOf,
  closeFrame,
  commandComplete,
  copyDataFrame,
  copyDoneFrame,
  copyFailFrame,
  copyResponse,
  dataRow,
  describeFrame,
  executeFrame,
  flushFrame,
  parameterStatus,
  parseFrame,
  queryFrame,
  readyForQuery,
  rowDescription,
  serverError,
  syncFrame,
  terminateFrame,
} from './relay-frames.ts'

const open: Rig[] = []

async function begin(options: RigOptions = {}): Promise<Rig> {
  const made = await rig(options)
  open.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(open.splice(0).map(each => each.close()))
})

const customers = {
  oid: 20_000,
  name: 'customers',
  columns: { id: 23, name: 25, email: 25, age: 23, note: 114 },
}
const classes = [
  { name: 'email', columns: ['*.email'], detect: 'email', mask: 'redact' },
  { name: 'age', columns: ['customers.age'], mask: 'redact' },
] as const
const masked = { tables: [customers], classes }
const emailColumn = { name: 'email', table: 20_000, attnum: 3 }

function denyText(part: string): Decide {
  return statement => {
    if (statement.text.includes(part)) throw new AccessDenied('forbidden', `no ${part}`)
    return undefined
  }
}

/** Sees to it that the upstream answers one simple query with no rows. */
async function answer(upstream: Frames, tag: string, status: 'I' | 'T' | 'E'): Promise<string> {
  const { body } = await upstream.next()
  upstream.send(commandComplete(tag), readyForQuery(status))
  return body.toString().replace('\0', '')
}

/** Brings the session into a transaction block. */
async function inTransaction({ client, upstream }: Rig): Promise<void> {
  client.send(queryFrame('BEGIN'))
  await answer(upstream, 'BEGIN', 'T')
  await client.until('Z')
}

const types = (frames: readonly { type: string }[]): string =>
  frames.map(({ type }) => type).join('')
const sqlState = (frame: { body: Buffer }): string | undefined =>
  /C([0-9A-Z]{5})\0/.exec(frame.body.toString())?.[1]

describe('simple queries', () => {
  test('are forwarded byte for byte and answered', async () => {
    const { client, upstream, session } = await begin()
    client.send(queryFrame('select 1'))
    expect((await upstream.next()).frame.equals(queryFrame('select 1'))).toBe(true)
    upstream.send(
      rowDescription({ name: '?column?', type: 23 }),
      dataRow('1'),
      commandComplete('SELECT 1'),
      readyForQuery('I'),
    )
    expect(types(await client.until('Z'))).toBe('TDCZ')
    expect(session.outcomes[0]?.outcome).toMatchObject({ status: 'completed', rows: 1 })
  })

  test('that come byte by byte reach the upstream whole, and answers cut anywhere reach the client whole', async () => {
    const { client, upstream } = await begin(masked)
    for (const byte of queryFrame('select email from customers')) {
      client.socket.write(Uint8Array.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
    expect((await upstream.next()).type).toBe('Q')
    const bytes = Buffer.concat([
      rowDescription(emailColumn),
      dataRow('ann@example.com'),
      dataRow('bob@example.com'),
      commandComplete('SELECT 2'),
      readyForQuery('I'),
    ])
    for (const byte of bytes) {
      upstream.socket.write(Uint8Array.of(byte))
      await new Promise(resolve => setImmediate(resolve))
    }
    const frames = await client.until('Z')
    expect(types(frames)).toBe('TDDCZ')
    expect(Buffer.concat(frames.map(({ frame }) => frame)).includes('@')).toBe(false)
  })

  test('in one chunk are judged one by one, and what is refused is answered in its turn', async () => {
    const { client, upstream } = await begin({ decide: denyText('delete') })
    client.send(queryFrame('select 1'), queryFrame('delete from t'), queryFrame('select 2'))
    expect((await upstream.next()).body.toString()).toBe('select 1\0')
    // The refused one is replaced: its answer stands between the two others.
    const standIn = await upstream.next()
    expect(standIn.type).toBe('Q')
    expect(standIn.body.toString()).not.toContain('delete')
    expect((await upstream.next()).body.toString()).toBe('select 2\0')
    upstream.send(commandComplete('SELECT 0'), readyForQuery('I'))
    upstream.send(serverError('42601', 'syntax error'), readyForQuery('I'))
    upstream.send(commandComplete('SELECT 0'), readyForQuery('I'))
    const frames = [
      ...(await client.until('Z')),
      ...(await client.until('Z')),
      ...(await client.until('Z')),
    ]
    expect(types(frames)).toBe('CZEZCZ')
    expect(sqlState(frames[2] as { body: Buffer })).toBe('42501')
    expect(frames[2]?.body.toString()).toContain('no delete')
  })

  test('refused while nothing is open never reach the upstream', async () => {
    const { client, upstream } = await begin({ decide: denyText('delete') })
    client.send(queryFrame('delete from t'))
    const frames = await client.until('Z')
    expect(types(frames)).toBe('EZ')
    expect(frames[1]?.body.toString()).toBe('I')
    expect(await upstream.quiet()).toBe(true)
  })

  test('refused in a transaction block make the upstream fail too', async () => {
    const made = await begin({ decide: denyText('delete') })
    const { client, upstream } = made
    await inTransaction(made)
    client.send(queryFrame('delete from t'))
    expect((await upstream.next()).body.toString()).not.toContain('delete')
    upstream.send(serverError('42601', 'syntax error'), readyForQuery('E'))
    const frames = await client.until('Z')
    expect(types(frames)).toBe('EZ')
    expect(frames[0]?.body.toString()).toContain('no delete')
    expect(frames[1]?.body.toString()).toBe('E')
  })

  test('refused in a failed transaction say that it has failed', async () => {
    const made = await begin({ decide: denyText('delete') })
    const { client, upstream } = made
    await inTransaction(made)
    client.send(queryFrame('select nonsense'))
    await upstream.next()
    upstream.send(serverError('42703', 'no column'), readyForQuery('E'))
    await client.until('Z')
    client.send(queryFrame('delete from t'))
    const frames = await client.until('Z')
    expect(frames.at(-1)?.body.toString()).toBe('E')
    expect(await upstream.quiet()).toBe(true)
  })

  test('that do not parse, hold a NUL, or are no UTF-8 are refused and never forwarded', async () => {
    const { client, upstream, session } = await begin()
    client.send(queryFrame('selec 1'))
    const frames = await client.until('Z')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('42601')
    expect(frames[0]?.body.toString()).toContain('P1')
    expect(session.refusals).toHaveLength(1)
    const raw = (text: Buffer): Buffer => {
      const frame = Buffer.alloc(5 + text.length)
      frame.write('Q')
      frame.writeUInt32BE(4 + text.length, 1)
      text.copy(frame, 5)
      return frame
    }
    client.send(raw(Buffer.from('select 1\0; delete from t\0')))
    expect(types(await client.until('Z'))).toBe('EZ')
    client.send(raw(Buffer.from([0x73, 0xff, 0xfe, 0])))
    expect(types(await client.until('Z'))).toBe('EZ')
    client.send(raw(Buffer.from('select 1')))
    expect(types(await client.until('Z'))).toBe('EZ')
    expect(await upstream.quiet()).toBe(true)
  })

  test('are refused when the log cannot be written', async () => {
    const { client, upstream } = await begin({
      decide: () => {
        throw new Unavailable('audit_unavailable', 'the audit log cannot be written')
      },
    })
    client.send(queryFrame('select 1'))
    const frames = await client.until('Z')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('58000')
    expect(await upstream.quiet()).toBe(true)
  })
})

describe('statements that go on record with those of other sessions', () => {
  test('leave after that, whole and in order', async () => {
    const steps: string[] = []
    const { client, upstream } = await begin({ write: () => steps.push('written') })
    client.send(
      parseFrame('s', 'select $1::text'),
      // Refused: what is ours stands between the client's frames.
      bindFrame('p', 'unknown', []),
      syncFrame(),
      queryFrame('select 1'),
    )
    expect(types(await upstream.until('Q'))).toBe('PPSQ')
    expect(steps).not.toEqual([])
  })

  test('that are longer than what is gathered leave after that too', async () => {
    let written = false
    const { client, upstream } = await begin({
      write: () => {
        written = true
      },
    })
    const long = `select '${'x'.repeat(20_000)}'`
    client.send(parseFrame('a', long), bindFrame('', 'a', []), executeFrame(), syncFrame())
    expect(types(await upstream.until('S'))).toBe('PBDES')
    expect(written).toBe(true)
  })

  test('never leave when they cannot be, and their session ends', async () => {
    const { client, upstream, session, ended } = await begin({
      write: () => {
        throw new Unavailable('audit_unavailable', 'the audit log cannot be written')
      },
    })
    client.send(queryFrame('select 1'))
    const frames = await client.until('E')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('58000')
    expect(await ended).toBe('failed')
    expect(await upstream.quiet()).toBe(true)
    expect(session.outcomes).toMatchObject([{ outcome: { status: 'failed' } }])
  })

  test('never leave once the session has ended', async () => {
    const { client, upstream, session, ended } = await begin({
      decide: () => {
        queueMicrotask(() => session.ending.abort('identity_ended'))
        return undefined
      },
      write: () => {},
    })
    client.send(queryFrame('select 1'))
    expect(await ended).toBe('identity_ended')
    expect(await upstream.quiet()).toBe(true)
  })
})

describe('extended queries', () => {
  test('are judged at Parse and again at Execute with the bound values', async () => {
    const { client, upstream, session } = await begin()
    client.send(
      parseFrame('', 'select $1::text'),
      bindFrame('', '', ['ann']),
      describeFrame('P', ''),
      executeFrame(),
      syncFrame(),
    )
    expect(types(await upstream.until('S'))).toBe('PBDES')
    expect(session.statements.map(({ phase }) => phase)).toEqual(['prepare', 'execute'])
    const value = session.statements[1]?.parameters?.[0]?.value
    expect(value === null || value === undefined ? value : Buffer.from(value).toString()).toBe(
      'ann',
    )
    upstream.send(
      bare('parseComplete'),
      bare('bindComplete'),
      rowDescription({ name: 'x' }),
      dataRow('ann'),
    )
    upstream.send(commandComplete('SELECT 1'), readyForQuery('I'))
    expect(types(await client.until('Z'))).toBe('12TDCZ')
  })

  test('refused at Execute fail the pipeline upstream as for the client', async () => {
    const { client, upstream } = await begin({
      decide: ({ text, phase }) => {
        if (phase === 'execute' && text.includes('delete'))
          throw new AccessDenied('forbidden', 'no')
        return undefined
      },
    })
    client.send(
      parseFrame('', 'insert into t values (1)'),
      bindFrame('', ''),
      executeFrame(),
      parseFrame('', 'delete from t'),
      bindFrame('', ''),
      executeFrame(),
      parseFrame('', 'select 3'),
      bindFrame('', ''),
      executeFrame(),
      syncFrame(),
    )
    const sent = await upstream.until('S')
    // The insert was sent already: only a failure inside the same pipeline undoes it.
    expect(types(sent)).toBe('PBEPBPS')
    expect(Buffer.concat(sent.map(({ frame }) => frame)).includes('select 3')).toBe(false)
    upstream.send(bare('parseComplete'), bare('bindComplete'), commandComplete('INSERT 0 1'))
    upstream.send(
      bare('parseComplete'),
      bare('bindComplete'),
      serverError('42601', 'syntax error'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    expect(types(frames)).toBe('12C12EZ')
    expect(sqlState(frames[5] as { body: Buffer })).toBe('42501')
  })

  test('refused at Parse while nothing is open are answered without the upstream', async () => {
    const { client, upstream } = await begin({ decide: denyText('delete') })
    client.send(parseFrame('s1', 'delete from t'), bindFrame('', 's1'), executeFrame(), syncFrame())
    expect(types(await client.until('Z'))).toBe('EZ')
    client.send(bindFrame('', 's1'), executeFrame(), syncFrame())
    const frames = await client.until('Z')
    expect(types(frames)).toBe('EZ')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('26000')
    expect(await upstream.quiet()).toBe(true)
  })

  test('skip to Sync after an error, also what the client sends later', async () => {
    const { client, upstream } = await begin()
    client.send(parseFrame('', 'select nonsense'), flushFrame())
    await upstream.until('H')
    upstream.send(serverError('42703', 'no column'))
    await client.until('E')
    client.send(bindFrame('', ''), executeFrame(), queryFrame('select 1'), syncFrame())
    expect(types(await upstream.until('S'))).toBe('S')
    upstream.send(readyForQuery('I'))
    expect(types(await client.until('Z'))).toBe('Z')
  })

  test('mask a second Execute that nobody described', async () => {
    const { client, upstream } = await begin(masked)
    client.send(
      parseFrame('s1', 'select email from customers'),
      describeFrame('S', 's1'),
      syncFrame(),
    )
    await upstream.until('S')
    upstream.send(bare('parseComplete'), EMPTY_PARAMETERS)
    upstream.send(rowDescription(emailColumn), readyForQuery('I'))
    await client.until('Z')
    for (let i = 0; i < 3; i++) {
      client.send(bindFrame('', 's1'), executeFrame(), syncFrame())
      await upstream.until('S')
      upstream.send(
        bare('bindComplete'),
        dataRow('ann@example.com'),
        commandComplete('SELECT 1'),
        readyForQuery('I'),
      )
      const frames = await client.until('Z')
      expect(types(frames)).toBe('2DCZ')
      expect(cellsOf(frames[1]?.body as Buffer)[0]).not.toContain('ann')
    }
  })

  test('that are never described are described by us, unseen', async () => {
    const { client, upstream } = await begin(masked)
    client.send(
      parseFrame('', 'select email from customers'),
      bindFrame('', ''),
      executeFrame(),
      syncFrame(),
    )
    expect(types(await upstream.until('S'))).toBe('PBDES')
    upstream.send(bare('parseComplete'), bare('bindComplete'), rowDescription(emailColumn))
    upstream.send(dataRow('ann@example.com'), commandComplete('SELECT 1'), readyForQuery('I'))
    const frames = await client.until('Z')
    expect(types(frames)).toBe('12DCZ')
    expect(cellsOf(frames[2]?.body as Buffer)[0]).not.toContain('ann')
  })

  test('continue a suspended portal on the permit of its first Execute', async () => {
    const { client, upstream, session } = await begin()
    client.send(
      parseFrame('', 'select name from t'),
      bindFrame('p', ''),
      describeFrame('P', 'p'),
      executeFrame('p', 1),
      executeFrame('p', 1),
      syncFrame(),
    )
    await upstream.until('S')
    upstream.send(
      bare('parseComplete'),
      bare('bindComplete'),
      rowDescription({ name: 'name' }),
      dataRow('a'),
      bare('portalSuspended'),
      dataRow('b'),
      commandComplete('SELECT 1'),
      readyForQuery('I'),
    )
    expect(types(await client.until('Z'))).toBe('12TDsDCZ')
    expect(session.statements.filter(({ phase }) => phase === 'execute')).toHaveLength(1)
    const executed = session.outcomes.filter(({ statement }) => statement.phase === 'execute')
    expect(executed.map(({ outcome }) => outcome.rows)).toEqual([2])
  })

  test('a name whose redefinition was skipped still means what it meant', async () => {
    const judged: string[] = []
    const { client, upstream } = await begin({
      decide: ({ text, phase }) => {
        if (phase === 'execute') judged.push(text)
        if (phase === 'execute' && text.startsWith('delete'))
          throw new AccessDenied('forbidden', 'no')
        return undefined
      },
    })
    client.send(parseFrame('s1', 'delete from t'), syncFrame())
    await upstream.until('S')
    upstream.send(bare('parseComplete'), readyForQuery('I'))
    await client.until('Z')
    // The upstream fails the second Parse (the name is taken); everything came in one chunk.
    client.send(
      parseFrame('s1', 'select 1'),
      syncFrame(),
      bindFrame('', 's1'),
      executeFrame(),
      syncFrame(),
    )
    expect(types(await upstream.until('S'))).toBe('PS')
    expect(await upstream.quiet()).toBe(true)
    upstream.send(serverError('42P05', 'already exists'), readyForQuery('I'))
    // Its Bind was forwarded only now, and its Execute was judged as the delete that it is.
    const sent = await upstream.until('S')
    expect(types(sent)).toBe('BPS')
    expect(judged).toEqual(['delete from t'])
    upstream.send(bare('bindComplete'), serverError('42601', 'syntax error'), readyForQuery('I'))
    expect(types([...(await client.until('Z')), ...(await client.until('Z'))])).toBe('EZ2EZ')
  })

  test('Execute of a name that does not exist is refused, not forwarded', async () => {
    const { client, upstream } = await begin()
    client.send(executeFrame('nowhere'), syncFrame())
    const frames = await client.until('Z')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('34000')
    expect(await upstream.quiet()).toBe(true)
  })

  test('FETCH from a portal of the protocol does not run it unjudged', async () => {
    const seen: string[] = []
    const made = await begin({
      decide: ({ text, operations }) => {
        if (text.startsWith('fetch')) seen.push(...operations.flatMap(({ flags }) => flags))
        return undefined
      },
    })
    await inTransaction(made)
    const { client, upstream } = made
    client.send(parseFrame('', 'delete from t returning *'), bindFrame('c', ''), syncFrame())
    await upstream.until('S')
    upstream.send(bare('parseComplete'), bare('bindComplete'), readyForQuery('T'))
    await client.until('Z')
    client.send(queryFrame('fetch all from c'))
    await upstream.next()
    expect(seen).toContain('dynamic')
  })

  test('Close forgets a statement', async () => {
    const { client, upstream } = await begin()
    client.send(parseFrame('s', 'select 1'), closeFrame('S', 's'), bindFrame('', 's'), syncFrame())
    expect(types(await upstream.until('S'))).toBe('PCPS')
  })
})

const EMPTY_PARAMETERS = Buffer.from([0x74, 0, 0, 0, 6, 0, 0])

describe('SQL-level names', () => {
  test('EXECUTE is judged as what PREPARE gave the name', async () => {
    const { client, upstream, session } = await begin({ tables: [customers] })
    client.send(queryFrame('prepare p as delete from customers'))
    await answer(upstream, 'PREPARE', 'I')
    await client.until('Z')
    client.send(queryFrame('execute p'))
    await upstream.next()
    const last = session.statements.at(-1)
    expect(last?.operations.map(({ action, object }) => `${action} ${object.name}`)).toContain(
      'write public.customers',
    )
    expect(Object.keys(last?.state ?? {})).toContain('prepared p')
  })

  test('EXECUTE right behind its PREPARE waits until the upstream has confirmed it', async () => {
    const { client, upstream, session } = await begin()
    client.send(queryFrame('prepare p as select 1'), queryFrame('execute p'))
    expect((await upstream.next()).body.toString()).toContain('prepare')
    expect(await upstream.quiet()).toBe(true)
    upstream.send(commandComplete('PREPARE'), readyForQuery('I'))
    expect((await upstream.next()).body.toString()).toContain('execute')
    expect(
      session.statements.at(-1)?.operations.some(({ flags }) => flags.includes('dynamic')),
    ).toBe(false)
  })

  test('EXECUTE of an unknown name is dynamic', async () => {
    const { client, upstream, session } = await begin()
    client.send(queryFrame('execute nobody'))
    await upstream.next()
    expect(session.statements[0]?.operations[0]?.flags).toContain('dynamic')
  })
})

describe('waiting for a person', () => {
  function holding() {
    let decide = (_: 'yes' | 'no'): void => {}
    let aborted = false
    const options: RigOptions = {
      decide: (statement, waiting) => {
        if (!statement.text.includes('delete') || statement.phase === 'prepare') return undefined
        waiting.notify('wait for dba')
        return new Promise((resolve, reject) => {
          waiting.signal.addEventListener('abort', () => {
            aborted = true
            reject(new AccessDenied('session_ended', 'cancelled'))
          })
          decide = verdict =>
            verdict === 'yes'
              ? resolve(undefined)
              : reject(new AccessDenied('approval_denied', 'a person said no'))
        })
      },
    }
    return { options, say: (verdict: 'yes' | 'no') => decide(verdict), wasAborted: () => aborted }
  }

  test('tells the client, holds what follows, and goes on after the yes', async () => {
    const { options, say } = holding()
    const { client, upstream } = await begin(options)
    client.send(queryFrame('delete from t where id = 1'), queryFrame('select 2'))
    expect((await client.next()).type).toBe('N')
    expect(await upstream.quiet()).toBe(true)
    say('yes')
    expect((await upstream.next()).body.toString()).toContain('delete')
    expect((await upstream.next()).body.toString()).toContain('select 2')
  })

  test('what was approved does not run once it means something else', async () => {
    const { options, say } = holding()
    const { client, upstream, catalog } = await begin({ ...options, ...masked })
    client.send(queryFrame('delete from customers where id = 1'))
    await client.until('N')
    catalog.definitions.changed(['customers'])
    say('yes')
    const [error] = await client.until('Z')
    expect(error?.body.toString()).toContain('approval_superseded')
    client.send(queryFrame('delete from customers where id = 1'))
    await client.until('N')
    catalog.definitions.changed(['other'])
    say('yes')
    expect((await upstream.next()).body.toString()).toContain('delete')
  })

  test('fails in its turn after the no', async () => {
    const { options, say } = holding()
    const { client, upstream } = await begin(options)
    client.send(queryFrame('delete from t where id = 1'))
    await client.until('N')
    say('no')
    const frames = await client.until('Z')
    expect(types(frames)).toBe('EZ')
    expect(await upstream.quiet()).toBe(true)
  })

  test('ends when the client cancels, with its own SQLSTATE', async () => {
    const { options, wasAborted } = holding()
    const made = await begin(options)
    made.client.send(queryFrame('delete from t where id = 1'))
    await made.client.until('N')
    made.cancelByClient()
    const frames = await made.client.until('Z')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('57014')
    expect(wasAborted()).toBe(true)
  })

  test('ends when the client leaves', async () => {
    const { options, wasAborted } = holding()
    const made = await begin(options)
    made.client.send(queryFrame('delete from t where id = 1'))
    await made.client.until('N')
    made.client.socket.end()
    await expect.poll(() => wasAborted()).toBe(true)
    expect((await made.upstream.next()).type).toBe('X')
    made.upstream.socket.end()
    expect(await made.ended).toBe('client_left')
  })

  test('does not run when an earlier message of the pipeline failed meanwhile', async () => {
    const { options, say } = holding()
    const { client, upstream } = await begin(options)
    client.send(parseFrame('', 'delete from t'), bindFrame('', ''), executeFrame(), syncFrame())
    await client.until('N')
    expect(types(await upstream.until('B'))).toBe('PB')
    upstream.send(serverError('42P01', 'no such table'))
    expect((await client.next()).type).toBe('E')
    say('yes')
    expect(types(await upstream.until('S'))).toBe('S')
  })
})

describe('rows', () => {
  test('have their classed columns masked, textual in place and others as NULL', async () => {
    const { client, upstream, session } = await begin(masked)
    client.send(queryFrame('select id, email, age, note from customers'))
    await upstream.next()
    upstream.send(
      rowDescription(
        { name: 'id', table: 20_000, attnum: 1, type: 23 },
        emailColumn,
        { name: 'age', table: 20_000, attnum: 4, type: 23 },
        { name: 'note', table: 20_000, attnum: 5, type: 114 },
      ),
      dataRow('1', 'ann@example.com', '41', '{"to":"bob@example.com"}'),
      dataRow('2', null, null, null),
      commandComplete('SELECT 2'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    const [id, email, age, note] = cellsOf(frames[1]?.body as Buffer)
    expect([id, age]).toEqual(['1', null])
    expect(email).toContain('⟦m:')
    expect(note).toMatch(/^\{"to":".*⟦m:email⟧"\}$/)
    expect(cellsOf(frames[2]?.body as Buffer)).toEqual(['2', null, null, null])
    expect(Object.fromEntries(session.outcomes[0]?.outcome.masked ?? [])).toEqual({
      email: 2,
      age: 1,
    })
  })

  test('of unknown origin are masked like the most sensitive column touched, unless they are harmless', async () => {
    const { client, upstream } = await begin(masked)
    client.send(queryFrame('select upper(email), count(*) from customers group by 1'))
    await upstream.next()
    upstream.send(
      rowDescription({ name: 'upper' }, { name: 'count', type: 20 }),
      dataRow('ANN', '3'),
      commandComplete('SELECT 1'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    expect(cellsOf(frames[1]?.body as Buffer)).toEqual(['⟦m:email⟧', '3'])
  })

  test('of a table that the catalog does not know wait until it was read again', async () => {
    const made = await begin(masked)
    const { client, upstream, catalog } = made
    client.send(queryFrame('select email from fresh'))
    await upstream.next()
    catalog.refresh = async () => {
      catalog.tables.push({ oid: 30_000, name: 'fresh', columns: { email: 25 } })
    }
    upstream.send(
      rowDescription({ name: 'email', table: 30_000, attnum: 1 }),
      dataRow('ann@example.com'),
      commandComplete('SELECT 1'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    expect(cellsOf(frames[1]?.body as Buffer)[0]).toContain('⟦m:')
  })

  test.each([
    ['a negative length', (row: Buffer) => row.writeInt32BE(-2, 7)],
    ['a length beyond the row', (row: Buffer) => row.writeInt32BE(1_000, 7)],
    ['a length of two gigabytes', (row: Buffer) => row.writeInt32BE(0x7fffffff, 7)],
    ['another number of columns', (row: Buffer) => row.writeInt16BE(2, 5)],
    ['bytes behind its last column', (row: Buffer) => row.writeInt32BE(3, 7)],
  ])('with %s end the session, and nothing of them goes out', async (_, spoil) => {
    const made = await begin(masked)
    const { client, upstream } = made
    client.send(queryFrame('select email from customers'))
    await upstream.next()
    const row = Buffer.from(dataRow('ann@example.com'))
    spoil(row)
    upstream.send(rowDescription(emailColumn), row)
    const frames = await client.until('E')
    expect(types(frames)).toBe('TE')
    expect(sqlState(frames[1] as { body: Buffer })).toBe('08006')
    expect(Buffer.concat(frames.map(({ frame }) => frame)).includes('ann')).toBe(false)
    upstream.socket.destroy()
    expect(await made.ended).toBe('upstream_left')
  })

  test('without a description, or that nobody asked for, end the session', async () => {
    const made = await begin(masked)
    made.upstream.send(dataRow('ann@example.com'))
    expect((await made.client.next()).type).toBe('E')
  })

  test('are cut off at the limit, with an error in their place', async () => {
    const { client, upstream, cancels, session } = await begin({
      decide: () => ({ limit: { rows: 2 } }),
    })
    client.send(queryFrame('select name from t'))
    await upstream.next()
    upstream.send(
      rowDescription({ name: 'name' }),
      dataRow('a'),
      dataRow('b'),
      dataRow('c'),
      dataRow('d'),
    )
    await expect.poll(() => cancels.length).toBe(1)
    upstream.send(
      serverError('57014', 'canceling statement due to user request'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    expect(types(frames)).toBe('TDDEZ')
    expect(frames[3]?.body.toString()).toContain('limit_exceeded')
    expect(session.outcomes[0]?.outcome).toMatchObject({ status: 'failed', rows: 2 })
  })

  test('over the limit fail the transaction even when the cancel came too late', async () => {
    const made = await begin({
      decide: ({ text }) => (text === 'BEGIN' ? undefined : { limit: { rows: 1 } }),
    })
    await inTransaction(made)
    const { client, upstream } = made
    client.send(queryFrame('select name from t'), queryFrame('commit'))
    await upstream.next()
    upstream.send(
      rowDescription({ name: 'name' }),
      dataRow('a'),
      dataRow('b'),
      commandComplete('SELECT 2'),
      readyForQuery('T'),
    )
    expect((await upstream.next()).body.toString()).not.toContain('commit')
    upstream.send(serverError('42601', 'syntax error'), readyForQuery('E'))
    const frames = await client.until('Z')
    expect(types(frames)).toBe('TDEZ')
    expect(frames[3]?.body.toString()).toBe('E')
    expect((await upstream.next()).body.toString()).toContain('commit')
  })

  test('are kept for the recording as the principal saw them, up to the limit', async () => {
    const { client, upstream, session } = await begin({ ...masked, answerBytes: 120 })
    client.send(queryFrame('select email from customers'))
    await upstream.next()
    upstream.send(
      rowDescription(emailColumn),
      ...Array.from({ length: 20 }, () => dataRow('ann@example.com')),
      commandComplete('SELECT 20'),
      readyForQuery('I'),
    )
    await client.until('Z')
    expect(session.answers).toHaveLength(1)
    expect(session.answers[0]?.truncated).toBe(true)
    expect(session.answers[0]?.columns).toEqual(['email'])
    expect(session.answers[0]?.rows[0]?.[0]).toContain('⟦m:')
  })
})

describe('errors and notices', () => {
  test('lose what quotes values when the statement touches masked columns, and keep their code', async () => {
    const { client, upstream } = await begin(masked)
    client.send(queryFrame('select email::int from customers'))
    await upstream.next()
    upstream.send(
      serverError('22P02', 'invalid input syntax for type integer: "ann@example.com"'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    expect(frames[0]?.body.toString()).toContain(HIDDEN)
    expect(frames[0]?.body.toString()).not.toContain('ann')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('22P02')
  })
})

describe('COPY', () => {
  test('out masks its columns, however the rows are cut', async () => {
    const { client, upstream } = await begin(masked)
    client.send(queryFrame('copy customers (id, email) to stdout'))
    await upstream.next()
    upstream.send(
      copyResponse('copyOutResponse', 2),
      copyDataFrame('1\tann@ex'),
      copyDataFrame('ample.com\n2\t\\N\n'),
      bare('copyDone'),
      commandComplete('COPY 2'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    expect(types(frames)).toBe('HddcCZ')
    expect(frames[1]?.body.toString()).toBe('1\t⟦m:email⟧\n')
    expect(frames[2]?.body.toString()).toBe('2\t\\N\n')
  })

  test('out of a query masks every column that may hold a masked value', async () => {
    const { client, upstream } = await begin(masked)
    client.send(
      queryFrame("copy (select id, 'x' || email from customers) to stdout with (format csv)"),
    )
    await upstream.next()
    upstream.send(
      copyResponse('copyOutResponse', 2),
      copyDataFrame('1,xann@example.com\n'),
      bare('copyDone'),
      commandComplete('COPY 1'),
      readyForQuery('I'),
    )
    const frames = await client.until('Z')
    expect(frames[1]?.body.toString()).not.toContain('ann')
  })

  test('out in binary of masked columns is refused before it runs', async () => {
    const { client, upstream } = await begin(masked)
    client.send(queryFrame('copy customers to stdout with (format binary)'))
    const frames = await client.until('Z')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('0A000')
    expect(await upstream.quiet()).toBe(true)
  })

  test('in passes rows once the upstream asks for them, and drops them after an error', async () => {
    const { client, upstream } = await begin()
    client.send(
      queryFrame('copy t from stdin'),
      copyDataFrame('1\n'),
      copyDataFrame('2\n'),
      copyDoneFrame(),
    )
    expect((await upstream.next()).type).toBe('Q')
    expect(await upstream.quiet()).toBe(true)
    upstream.send(copyResponse('copyInResponse', 1))
    expect(types(await upstream.until('c'))).toBe('ddc')
    upstream.send(commandComplete('COPY 2'), readyForQuery('I'))
    expect(types(await client.until('Z'))).toBe('GCZ')
    client.send(queryFrame('copy t from stdin'))
    await upstream.next()
    upstream.send(
      copyResponse('copyInResponse', 1),
      serverError('22P04', 'bad'),
      readyForQuery('I'),
    )
    await client.until('Z')
    client.send(copyDataFrame('1\n'), copyDoneFrame(), queryFrame('select 1'))
    expect((await upstream.next()).type).toBe('Q')
  })

  test('in with a mask of ours in its rows is failed, and the client told why in its own turn', async () => {
    const { client, upstream, session } = await begin()
    client.send(queryFrame('copy t from stdin'))
    await upstream.next()
    upstream.send(copyResponse('copyInResponse', 1))
    await client.until('G')
    client.send(copyDataFrame('fine\n'), copyDataFrame('⟦m'), copyDataFrame(':ssn⟧\n'))
    expect(types(await upstream.until('f'))).toBe('ddf')
    client.send(copyDataFrame('more\n'), copyDoneFrame(), queryFrame('select 1'))
    upstream.send(serverError('57014', 'COPY from stdin failed'), readyForQuery('I'))
    const told = await client.until('Z')
    expect(types(told)).toBe('EZ')
    expect(told[0]?.body.toString()).toContain('mask_written_back')
    expect(await answer(upstream, 'SELECT 1', 'I')).toBe('select 1')
    expect(session.refusals).toMatchObject([
      { text: 'copy t from stdin', error: { code: 'mask_written_back' } },
    ])
  })

  test('in with a mask at the end of a row that came in parts is failed behind that row', async () => {
    const { client, upstream } = await begin()
    client.send(queryFrame('copy t from stdin'))
    await upstream.next()
    upstream.send(copyResponse('copyInResponse', 1))
    await client.until('G')
    const row = copyDataFrame(`${'x'.repeat(100)}⟦m:ssn⟧\n`)
    client.send(row.subarray(0, 50))
    expect(await client.quiet()).toBe(true)
    client.send(row.subarray(50))
    const frames = await upstream.until('f')
    expect(types(frames)).toBe('df')
    upstream.send(serverError('57014', 'COPY from stdin failed'), readyForQuery('I'))
    expect(types(await client.until('Z'))).toBe('EZ')
  })

  test('data outside of a COPY is dropped, as the server drops it', async () => {
    const { client, upstream } = await begin()
    client.send(
      copyDataFrame('stray\n'),
      copyFailFrame('a driver that tidies up'),
      queryFrame('select 1'),
    )
    expect(await answer(upstream, 'SELECT 1', 'I')).toBe('select 1')
    expect(types(await client.until('Z'))).toBe('CZ')
  })
})

describe('the bound on changed rows', () => {
  const bounded: RigOptions = {
    decide: ({ text }) => (text.includes('delete') ? { maxRows: 2 } : undefined),
  }

  test('commits what stays within it', async () => {
    const { client, upstream } = await begin(bounded)
    client.send(queryFrame('delete from t where id < 3'))
    expect(await answer(upstream, 'BEGIN', 'T')).toBe('BEGIN')
    expect(await answer(upstream, 'DELETE 2', 'T')).toContain('delete')
    expect(await client.quiet()).toBe(true)
    expect(await answer(upstream, 'COMMIT', 'I')).toBe('COMMIT')
    const frames = await client.until('Z')
    expect(frames.map(({ body }) => body.toString())).toEqual(['DELETE 2\0', 'I'])
  })

  test('undoes what exceeds it', async () => {
    const { client, upstream, session } = await begin(bounded)
    client.send(queryFrame('delete from t'))
    await answer(upstream, 'BEGIN', 'T')
    await answer(upstream, 'DELETE 3', 'T')
    expect(await answer(upstream, 'ROLLBACK', 'I')).toBe('ROLLBACK')
    const frames = await client.until('Z')
    expect(types(frames)).toBe('EZ')
    expect(frames[0]?.body.toString()).toContain('rows_exceeded')
    expect(session.outcomes.at(-1)?.outcome.status).toBe('failed')
  })

  test("fails the client's own transaction when it is exceeded there", async () => {
    const made = await begin(bounded)
    await inTransaction(made)
    const { client, upstream } = made
    client.send(queryFrame('delete from t'))
    await answer(upstream, 'DELETE 3', 'T')
    expect((await upstream.next()).type).toBe('Q')
    upstream.send(serverError('42601', 'syntax error'), readyForQuery('E'))
    const frames = await client.until('Z')
    expect(types(frames)).toBe('EZ')
    expect(frames[0]?.body.toString()).toContain('rows_exceeded')
    expect(frames[1]?.body.toString()).toBe('E')
  })

  test('holds the Sync of an extended query until the rows are counted', async () => {
    const { client, upstream } = await begin(bounded)
    client.send(parseFrame('', 'delete from t'), bindFrame('', ''), executeFrame(), syncFrame())
    expect(types(await upstream.until('H'))).toBe('PBEH')
    upstream.send(bare('parseComplete'), bare('bindComplete'), commandComplete('DELETE 3'))
    expect(types(await upstream.until('S'))).toBe('PS')
    upstream.send(serverError('42601', 'syntax error'), readyForQuery('I'))
    const frames = await client.until('Z')
    expect(types(frames)).toBe('12EZ')
    expect(frames[2]?.body.toString()).toContain('rows_exceeded')
  })

  test('refuses what cannot be counted', async () => {
    const { client, upstream } = await begin(bounded)
    client.send(queryFrame('with x as (delete from t returning 1) select count(*) from x'))
    const frames = await client.until('Z')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('0A000')
    expect(await upstream.quiet()).toBe(true)
  })
})

describe('the end', () => {
  test('Terminate closes both legs', async () => {
    const { client, upstream, ended } = await begin()
    client.send(terminateFrame())
    expect((await upstream.next()).type).toBe('X')
    upstream.socket.end()
    expect(await ended).toBe('client_left')
  })

  test('a query and a Terminate in one chunk: the query runs', async () => {
    const { client, upstream, ended, cancels } = await begin()
    client.send(queryFrame('insert into t values (1)'), terminateFrame())
    expect((await upstream.next()).type).toBe('Q')
    upstream.send(commandComplete('INSERT 0 1'), readyForQuery('I'))
    expect((await upstream.next()).type).toBe('X')
    upstream.socket.end()
    expect(await ended).toBe('client_left')
    expect(cancels).toHaveLength(0)
  })

  test('an upstream that dies mid-result is told to the client, and on record', async () => {
    const { client, upstream, ended, session } = await begin()
    client.send(queryFrame('select name from t'))
    await upstream.next()
    upstream.send(rowDescription({ name: 'name' }), dataRow('a'), Buffer.from([0x44, 0, 0]))
    await client.until('D')
    upstream.socket.destroy()
    const { body } = await client.next()
    expect(sqlState({ body })).toBe('08006')
    expect(await ended).toBe('upstream_left')
    expect(session.outcomes[0]?.outcome.status).toBe('failed')
  })

  test('a session that is ended cancels upstream and tells the client why', async () => {
    const { client, upstream, ended, session, cancels } = await begin()
    client.send(queryFrame('select pg_sleep(100)'))
    await upstream.next()
    const at = Date.now()
    session.ending.abort('grant_ended')
    const { body } = await client.next()
    expect(sqlState({ body })).toBe('57P01')
    expect(await ended).toBe('grant_ended')
    within(2_000, Date.now() - at)
    expect(cancels).toHaveLength(1)
  })

  test.each(['client_encoding', 'standard_conforming_strings'])(
    'a change of %s ends the session',
    async name => {
      const { client, upstream } = await begin()
      upstream.send(parameterStatus(name, 'LATIN1'))
      expect((await client.next()).type).toBe('E')
    },
  )

  test('messages of unknown type, and oversized ones, end the session before they are held', async () => {
    const first = await begin()
    first.client.send(Buffer.from([0x7a, 0, 0, 0, 4]))
    expect(sqlState(await first.client.next())).toBe('08P01')
    const second = await begin({ messageBytes: 1_000 })
    second.client.send(Buffer.from([0x51, 0, 0, 4, 0, 0x73]))
    expect(sqlState(await second.client.next())).toBe('54000')
    const third = await begin()
    third.client.send(Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff, 0x73]))
    expect((await third.client.next()).type).toBe('E')
  })

  test('function calls are refused, and the session goes on', async () => {
    const { client, upstream } = await begin()
    client.send(Buffer.from([0x46, 0, 0, 0, 4]))
    const frames = await client.until('Z')
    expect(sqlState(frames[0] as { body: Buffer })).toBe('0A000')
    client.send(queryFrame('select 1'))
    expect((await upstream.next()).type).toBe('Q')
  })
})

describe('reasons', () => {
  test('SET sallyport.reason is told to the gateway once it has run', async () => {
    const { client, upstream, session } = await begin()
    client.send(queryFrame("set sallyport.reason = 'ticket 12'"))
    await answer(upstream, 'SET', 'I')
    await client.until('Z')
    expect(session.reasons).toEqual(['ticket 12'])
  })
})
