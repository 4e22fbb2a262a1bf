import { X509Certificate } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConfigurationError } from '#model'
import { openServerAuthority, serverNames, tlsIdentity } from './index.ts'

const DAY = 86_400_000
const now = () => Date.now()

describe('our own certificate authority', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-ca-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('issues a server certificate that chains to ca.pem and carries every name', async () => {
    const authority = await openServerAuthority({ folder, now })
    const issued = await authority.issueServer(['localhost', '127.0.0.1', '::1', 'db.example.com'])
    const root = new X509Certificate(readFileSync(join(folder, 'ca.pem')))
    const leaf = new X509Certificate(issued.certificate)
    expect(root.ca).toBe(true)
    expect(leaf.ca).toBe(false)
    expect(leaf.checkIssued(root)).toBe(true)
    expect(leaf.verify(root.publicKey)).toBe(true)
    expect(leaf.checkHost('db.example.com')).toBe('db.example.com')
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(leaf.checkIP('::1')).toBe('::1')
    expect(leaf.checkHost('other.example.com')).toBeUndefined()
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  it('keeps its key to its owner and is the same after a restart', async () => {
    const first = await openServerAuthority({ folder, now })
    expect(statSync(join(folder, 'keys', 'server-ca.key')).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'keys')).mode & 0o777).toBe(0o700)
    const second = await openServerAuthority({ folder, now })
    expect(second.certificate).toBe(first.certificate)
  })

  it('has one key and one certificate when several processes start at once', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => openServerAuthority({ folder, now })))
    const root = new X509Certificate(readFileSync(join(folder, 'ca.pem')))
    for (const authority of all) {
      const leaf = new X509Certificate((await authority.issueServer(['localhost'])).certificate)
      expect(leaf.checkIssued(root)).toBe(true)
      expect(leaf.verify(root.publicKey)).toBe(true)
    }
  })

  it('makes the certificate again from the key, but never a new key in place of a broken one', async () => {
    await openServerAuthority({ folder, now })
    writeFileSync(join(folder, 'ca.pem'), 'not a certificate')
    const again = await openServerAuthority({ folder, now })
    expect(new X509Certificate(again.certificate).ca).toBe(true)
    writeFileSync(join(folder, 'keys', 'server-ca.key'), 'not a key')
    await expect(openServerAuthority({ folder, now })).rejects.toThrow(ConfigurationError)
  })

  it('does not use a key that others can read', async () => {
    await openServerAuthority({ folder, now })
    chmodSync(join(folder, 'keys', 'server-ca.key'), 0o640)
    await expect(openServerAuthority({ folder, now })).rejects.toThrow('Set its mode to 0600')
  })

  it('renews its certificate, with the same key, in its last year', async () => {
    const first = await openServerAuthority({ folder, now })
    const later = () => Date.now() + 3_300 * DAY
    const second = await openServerAuthority({ folder, now: later })
    expect(second.certificate).not.toBe(first.certificate)
    const key = (pem: string) => new X509Certificate(pem).publicKey.export({ format: 'jwk' })
    expect(key(second.certificate)).toEqual(key(first.certificate))
  })
})

describe('the certificate that listeners show', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-ca-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it('is reissued with another key at a reload, and listeners of the change are told', async () => {
    const authority = await openServerAuthority({ folder, now })
    const identity = await tlsIdentity({ kind: 'own', authority, names: ['gw.example.com'], now })
    const before = identity.certificateDer()
    let told = 0
    identity.onChange(() => {
      told += 1
    })
    await identity.reload()
    expect(told).toBe(1)
    expect(Buffer.from(identity.certificateDer()).equals(before)).toBe(false)
    expect(new X509Certificate(identity.certificateDer()).checkHost('gw.example.com')).toBeTruthy()
    identity.close()
  })

  it('is renewed by itself long before it ends, and again after a failure', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const authority = await openServerAuthority({ folder, now })
      const failures: unknown[] = []
      let failing = false
      const issueServer: typeof authority.issueServer = async names => {
        if (!failing) return authority.issueServer(names)
        failing = false
        throw new Error('no')
      }
      const source = {
        kind: 'own',
        authority: { ...authority, issueServer },
        names: [],
        now,
      } as const
      const identity = await tlsIdentity(source, error => failures.push(error))
      const before = identity.certificateDer()
      const changed = new Promise<void>(resolve => identity.onChange(resolve))
      failing = true
      vi.advanceTimersByTime(60 * DAY)
      await vi.waitFor(() => expect(failures).toHaveLength(1), 30_000)
      expect(Buffer.from(identity.certificateDer()).equals(before)).toBe(true)
      vi.advanceTimersByTime(60_000)
      await changed
      expect(Buffer.from(identity.certificateDer()).equals(before)).toBe(false)
      identity.close()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('stays when the operator’s new certificate does not hold', async () => {
    const authority = await openServerAuthority({ folder, now })
    const good = await authority.issueServer(['localhost'])
    const other = await authority.issueServer(['localhost'])
    let pem = good
    const identity = await tlsIdentity({ kind: 'given', load: async () => pem })
    pem = { ...good, key: other.key }
    await expect(identity.reload()).rejects.toThrow('does not belong')
    pem = { ...good, certificate: 'garbage' }
    await expect(identity.reload()).rejects.toThrow(ConfigurationError)
    expect(identity.pem().certificate).toBe(good.certificate)
    pem = other
    await identity.reload()
    expect(identity.pem().key).toBe(other.key)
  })

  it('names this host and the operator’s names once each, and leaves out what no certificate can carry', () => {
    const names = serverNames(['GW.example.com', 'localhost', 'bad name', 'a_b', '*.example.com'])
    expect(names.filter(name => name === 'localhost')).toHaveLength(1)
    expect(names).toContain('gw.example.com')
    expect(names).toContain('*.example.com')
    expect(names).not.toContain('bad name')
    expect(names).not.toContain('a_b')
  })
})
