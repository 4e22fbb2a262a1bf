// The suite that every protocol has to pass, with the real gateway as a process of its own and a real
// upstream. A protocol takes part by its `harness.ts`; nothing here names one.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Issuer, startIssuer } from '../../demo/index.ts'
import { harness as http } from '../../src/protocols/http/harness.ts'
import { harness as kubernetes } from '../../src/protocols/kubernetes/harness.ts'
import { harness as mysql } from '../../src/protocols/mysql/harness.ts'
import { harness as postgres } from '../../src/protocols/postgres/harness.ts'
import { harness as ssh } from '../../src/protocols/ssh/harness.ts'
import { auditRecords } from '../servers/audit-files.ts'
import { issuerEntry, type RunningGateway, startGateway } from '../servers/gateway.ts'
import { until } from '../servers/programs.ts'
import { type Upstream, upstreams } from './upstreams.ts'

const harnesses = [postgres, ssh, http, mysql, kubernetes]

test('every protocol has a harness, and every harness a protocol', () => {
  const folders = readdirSync('src/protocols', { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
  expect(harnesses.map(harness => harness.protocol).sort()).toEqual(folders.sort())
})

describe.each(harnesses)('$protocol', harness => {
  let upstream: Upstream
  let issuer: Issuer
  let gateway: RunningGateway

  const start = (data?: string) =>
    startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources: [
        {
          name: 'contract',
          protocol: harness.protocol,
          ...harness.resource(upstream),
        },
      ],
      policies: { 'contract.cedar': `${harness.policies}${auditors}` },
      dataClasses: harness.dataClasses,
      env: { UPSTREAM_SECRET: upstream.secret },
      listener: harness.protocol,
      allowPlaintext: true,
      ...(data ? { data } : {}),
    })
  const token = () => issuer.token({ client: 'order-bot' })
  const open = async (running: RunningGateway = gateway) => {
    const socket = connect(running.port, '127.0.0.1').setNoDelay(true)
    return harness.open(socket, 'contract', await token())
  }

  beforeAll(async () => {
    const startUpstream = upstreams[harness.protocol]
    if (!startUpstream) throw new Error(`no upstream is known for ${harness.protocol}`)
    upstream = await startUpstream(harness.setup)
    issuer = await startIssuer()
    gateway = await start()
  })
  afterAll(async () => {
    await gateway?.remove()
    await issuer?.stop()
    await upstream?.stop()
  })

  test('passes what is permitted, and denies the rest in its own error form', async () => {
    const session = await open()
    for (const kind of ['read', 'forbidden', 'write', 'forbidden', 'read'] as const) {
      await session.ask([kind])
      const answer = await session.next()
      expect(harness.isAnswer(kind, answer), `${kind}: ${JSON.stringify(answer)}`).toBe(true)
      if (kind !== 'forbidden' || answer.kind !== 'error') continue
      expect(answer.nativeCode).toBe(harness.refusalCode)
      expect(answer.text).toContain('the closed table is closed')
      expect(answer.text).toContain('contract-closed')
      expect(answer.text).toContain('forbidden')
    }
    session.end()
  })

  test('never forwards what was denied', async () => {
    let forwarded = ''
    upstream.onForward = bytes => {
      forwarded += bytes.toString('latin1')
    }
    const session = await open()
    await session.ask(['forbidden'])
    await session.next()
    await session.ask(['read'])
    await session.next()
    session.end()
    expect(forwarded).not.toContain('closed')
    expect(forwarded).toContain('kept')
  })

  test('masks: the value reaches the client in no form', async () => {
    const session = await open()
    await session.ask(['sensitive'])
    const answer = await session.next()
    expect(harness.isAnswer('sensitive', answer), JSON.stringify(answer)).toBe(true)
    expect(session.received().includes(harness.secretValue)).toBe(false)
    session.end()
  })

  test('puts each statement on record before the upstream sees it', async () => {
    const session = await open()
    const before = permitted(gateway)
    const counts: number[] = []
    upstream.onForward = bytes => {
      if (bytes.includes('kept')) counts.push(permitted(gateway))
    }
    for (const kind of ['read', 'write', 'read', 'sensitive', 'write'] as const) {
      await session.ask([kind])
      await session.next()
    }
    session.end()
    expect(counts).toEqual([1, 2, 3, 4, 5].map(each => before + each))
  })

  test('records: the session can be replayed, with what the client saw and no more', async () => {
    const session = await open()
    for (const kind of ['read', 'sensitive', 'forbidden'] as const) {
      await session.ask([kind])
      await session.next()
    }
    session.end()
    const auditor = await issuer.token({ client: 'dora' })
    let found: { id: string; endedAt?: unknown; statements: number }[] = []
    await until('the session to be closed in the list', async () => {
      const listed = await gateway.cli(['sessions', '--json'], auditor)
      found = JSON.parse(listed.stdout)
      return found.some(each => each.endedAt && each.statements === 3)
    })
    const id = found.find(each => each.endedAt && each.statements === 3)?.id ?? ''
    const replayed = await gateway.cli(['session', 'replay', id, '--json'], auditor)
    expect(replayed.code, replayed.stderr).toBe(0)
    expect(replayed.stdout).toContain('closed')
    expect(replayed.stdout).toContain('kept')
    expect(replayed.stdout).not.toContain(harness.secretValue)
  })

  test('answers the same however its bytes are cut', async () => {
    const session = await open()
    const kinds = ['read', 'forbidden', 'sensitive'] as const
    const answered = async (what: string) => {
      for (const kind of kinds) {
        const answer = await session.next()
        expect(harness.isAnswer(kind, answer), `${what}: ${kind}`).toBe(true)
      }
    }
    let length = 0
    await session.ask(kinds, (bytes, from) => {
      length = from + bytes.length
      return [bytes]
    })
    await answered('whole')
    for (let at = 1; at < length; at += Math.ceil(length / harness.cuts)) {
      await session.ask(kinds, (bytes, from) =>
        [bytes.subarray(0, Math.max(at - from, 0)), bytes.subarray(Math.max(at - from, 0))].filter(
          piece => piece.length > 0,
        ),
      )
      await answered(`cut at ${at}`)
    }
    await session.ask(kinds, bytes => Array.from(bytes, byte => Buffer.from([byte])))
    await answered('byte by byte')
    expect(session.received().includes(harness.secretValue)).toBe(false)
    session.end()
  })

  test('keeps the order when many questions come in one piece', async () => {
    const session = await open()
    const kinds = Array.from({ length: harness.many }, (_, index) =>
      index % 3 === 1
        ? ('forbidden' as const)
        : index % 3 === 2
          ? ('sensitive' as const)
          : ('read' as const),
    )
    await session.ask(kinds)
    for (const [index, kind] of kinds.entries()) {
      const answer = await session.next()
      expect(harness.isAnswer(kind, answer), `number ${index}: ${JSON.stringify(answer)}`).toBe(
        true,
      )
    }
    expect(session.received().includes(harness.secretValue)).toBe(false)
    session.end()
  })

  test('takes a greeting that arrives byte by byte', async () => {
    const socket = connect(gateway.port, '127.0.0.1').setNoDelay(true)
    const first = new Promise<Buffer>((resolve, reject) => {
      socket.once('data', resolve)
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('closed')))
    })
    for (const byte of harness.startup('contract')) {
      socket.write(Buffer.from([byte]))
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    expect((await first).length).toBeGreaterThan(0)
    socket.destroy()
  })

  test.each(Object.entries(harness.violations))(
    'refuses %s, and no other session is touched',
    async (_what, bytes) => {
      const other = await open()
      const session = await open()
      let forwarded = 0
      upstream.onForward = forwardedBytes => {
        // Goodbyes are ours to say; nothing of the violation may go on.
        if (forwardedBytes.includes(Buffer.from(bytes))) forwarded += 1
      }
      session.raw(bytes)
      // An error first, or the end at once: never an answer, and never waiting for more.
      const answer = await session.next().catch(() => undefined)
      expect(answer?.kind ?? 'error').toBe('error')
      // Then it is over, or the wire allows going on: then as if nothing had been.
      await session.ask(['read'])
      const later = await session.next().catch(() => undefined)
      if (later) expect(harness.isAnswer('read', later), JSON.stringify(later)).toBe(true)
      expect(forwarded).toBe(0)
      await other.ask(['read'])
      expect(harness.isAnswer('read', await other.next())).toBe(true)
      other.end()
      expect(gateway.alive()).toBe(true)
    },
  )

  test('refuses when the log cannot be written, and works again when it can', async context => {
    const disk = mountSmall()
    if (!disk) return context.skip('a small file system needs root')
    const running = await start(join(disk, 'data'))
    try {
      let session = await open(running)
      await session.ask(['read'])
      expect(harness.isAnswer('read', await session.next())).toBe(true)
      let forwarded = ''
      let over = false
      upstream.onForward = bytes => {
        forwarded += bytes.toString('latin1')
      }
      fill(disk)
      let refused = 0
      for (let tries = 0; tries < 40; tries += 1) {
        forwarded = ''
        const before = permitted(running)
        await session.ask(['write'])
        const answer = await session.next().catch(() => undefined)
        if (answer !== undefined && answer.kind !== 'error') continue
        refused += 1
        // Where it was the turn of the recording first, that is the reason, and the session is over: also of what ran.
        over = answer === undefined || answer.text.includes('recording_unavailable')
        if (over) {
          if (forwarded.includes('kept')) expect(permitted(running)).toBeGreaterThan(before)
          break
        }
        expect(forwarded).not.toContain('kept')
        expect(answer?.text).toContain('audit_unavailable')
      }
      expect(refused).toBeGreaterThan(0)
      rmSync(join(disk, 'fill'))
      await until('statements to pass again', async () => {
        if (over) session = await open(running)
        await session.ask(['write'])
        return harness.isAnswer('write', await session.next())
      })
      session.end()
      expect(running.alive()).toBe(true)
      await running.stop()
      const verified = await running.cli(['audit', 'verify', '--data', join(disk, 'data')])
      expect(verified.code, verified.stdout + verified.stderr).toBe(0)
    } finally {
      await running.remove()
      unmount(disk)
    }
  })
})

const auditors = `
@id("contract-auditors")
permit (principal in Group::"dba", action in [Action::"console:read", Action::"console:audit"], resource);
`

/** How many permitted statements are in the log's files at this moment: what has left the process. */
function permitted(gateway: RunningGateway): number {
  return auditRecords(gateway.data).filter(({ kind }) => kind === 'statement.permitted').length
}

/** A file system of 8 MB in memory; undefined where we may not mount one. */
function mountSmall(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-small-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', folder], { stdio: 'ignore' })
    mkdirSync(join(folder, 'data'))
    return folder
  } catch {
    // A container without the right to mount: the test says that it was left out.
    rmSync(folder, { recursive: true, force: true })
    return undefined
  }
}

function fill(disk: string): void {
  for (const size of [1 << 16, 1 << 12, 1]) {
    try {
      for (;;) writeFileSync(join(disk, 'fill'), Buffer.alloc(size, 120), { flag: 'a' })
    } catch {
      // Full at this grain: go on with the finer one.
    }
  }
}

function unmount(disk: string): void {
  if (!existsSync(disk)) return
  execFileSync('umount', ['-l', disk], { stdio: 'ignore' })
  rmSync(disk, { recursive: true, force: true })
}
