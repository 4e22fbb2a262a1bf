import { execFileSync } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProtocolError } from '#model'
import { fc } from '../../../../test/property.ts'
import { ed25519Blob, opensshPrivateKey } from '../public-key.ts'
import {
  type CertificateTerms,
  certificateLine,
  readCertificate,
  writeCertificate,
} from './certificate.ts'
import { isWithin, readNetworks } from './client-proof.ts'
import { string } from './fields.ts'
import { readSubjectKey, signed } from './subject-key.ts'

let folder: string
const authority = generateKeyPairSync('ed25519').privateKey
const subject = generateKeyPairSync('ed25519').privateKey

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-certificate-'))
  writeFileSync(join(folder, 'ca'), opensshPrivateKey(authority), { mode: 0o600 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const keygen = (...args: string[]): string => execFileSync('ssh-keygen', args).toString()
const terms: CertificateTerms = {
  kind: 'user',
  id: 'sp-one',
  principals: ['web-1'],
  validAfter: 1_700_000_000n,
  validBefore: 1_700_000_900n,
  options: new Map([['source-address', string('127.0.0.1/32')]]),
  extensions: new Map([
    ['permit-pty', new Uint8Array()],
    ['permit-agent-forwarding', new Uint8Array()],
  ]),
}
const written = (more: Partial<CertificateTerms> = {}, key: KeyObject = subject) =>
  writeCertificate(readSubjectKey(ed25519Blob(key)), { ...terms, ...more }, authority)

describe('a certificate', () => {
  it('is read by ssh-keygen as it was meant', () => {
    const file = join(folder, 'ours-cert.pub')
    writeFileSync(file, `${certificateLine(written())}\n`)
    const shown = keygen('-L', '-f', file).replace(/\s+/g, ' ')
    expect(shown).toContain('ssh-ed25519-cert-v01@openssh.com user certificate')
    expect(shown).toContain('Key ID: "sp-one"')
    expect(shown).toContain('Principals: web-1 Critical Options: source-address 127.0.0.1/32')
    expect(shown).toContain('Extensions: permit-agent-forwarding permit-pty')
  })

  it('of ssh-keygen is read, whatever its key is, and so is what that key signs', () => {
    for (const [type, bits] of [
      ['ed25519', '256'],
      ['ecdsa', '256'],
      ['ecdsa', '384'],
      ['ecdsa', '521'],
      ['rsa', '2048'],
    ] as const) {
      const file = join(folder, `${type}${bits}`)
      keygen('-q', '-t', type, '-b', bits, '-N', '', '-m', 'PEM', '-f', file)
      keygen('-q', '-s', join(folder, 'ca'), '-I', 'an id', '-n', 'a,b', '-V', '+5m', `${file}.pub`)
      const [, base64 = ''] = readFileSync(`${file}-cert.pub`, 'utf8').split(' ')
      const read = readCertificate(Buffer.from(base64, 'base64'), authority)
      expect(read).toMatchObject({ kind: 'user', id: 'an id', principals: ['a', 'b'] })
      expect([...read.extensions.keys()]).toContain('permit-pty')
      if (type === 'ed25519') continue // its file is of a form that Node does not read
      const key = createPrivateKey(readFileSync(file))
      const bytes = Buffer.from('a login')
      const [algorithm, hash] =
        type === 'rsa'
          ? (['rsa-sha2-512', 'sha512'] as const)
          : ([`ecdsa-sha2-nistp${bits}`, HASHES[bits]!] as const)
      const value =
        type === 'rsa'
          ? sign(hash, bytes, key)
          : pairOf(sign(hash, bytes, { key, dsaEncoding: 'ieee-p1363' }))
      const signature = Buffer.concat([string(algorithm), string(value)])
      expect(signed(read.subject, algorithm, signature, bytes), algorithm).toBe(true)
      expect(signed(read.subject, algorithm, signature, Buffer.from('another'))).toBe(false)
      expect(signed(read.subject, 'ssh-rsa', signature, bytes)).toBe(false)
    }
  })

  it('altered in any one byte, cut anywhere, or with bytes behind it, is none', () => {
    const blob = written()
    for (let at = 0; at < blob.length; at += 1) {
      const altered = Buffer.from(blob)
      altered[at] = altered[at]! ^ 1
      expect(() => readCertificate(altered, authority), String(at)).toThrow(ProtocolError)
      expect(() => readCertificate(blob.subarray(0, at), authority)).toThrow(ProtocolError)
    }
    for (const more of ['\0', 'x', blob.toString('latin1')])
      expect(() =>
        readCertificate(Buffer.concat([blob, Buffer.from(more, 'latin1')]), authority),
      ).toThrow(ProtocolError)
  })

  it('of noise is refused as what it is, and nothing else happens', () => {
    const blob = written()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(blob.length), (noise, at) => {
        const spoilt = Buffer.concat([
          blob.subarray(0, at),
          noise,
          blob.subarray(at + noise.length),
        ])
        if (spoilt.equals(blob)) return
        expect(() => readCertificate(spoilt, authority)).toThrow(ProtocolError)
        expect(() => readCertificate(noise, authority)).toThrow(ProtocolError)
      }),
      { numRuns: 300 },
    )
  })

  it('names nobody in a way that a list would part, when it is read and when it is written', () => {
    for (const name of [
      '',
      'a,b',
      'a\nb',
      'a b',
      'a\0',
      '*',
      'web-?',
      '!a',
      'a\u2028b',
      'a\u202eb',
    ])
      expect(() => written({ principals: [name] }), JSON.stringify(name)).toThrow(ProtocolError)
    expect(() => readCertificate(written({ principals: [] }), authority)).toThrow(ProtocolError)
    for (const name of ['a@b', 'a:b', 'a#b', 'a/b', 'ä', '..'])
      expect(readCertificate(written({ principals: [name] }), authority).principals).toEqual([name])
  })
})

describe('networks', () => {
  it('are addresses and prefixes, and nothing that looks like one', () => {
    expect(isWithin('10.1.2.3', '192.0.2.7,10.0.0.0/8')).toBe(true)
    expect(isWithin('::ffff:10.1.2.3', '10.0.0.0/8')).toBe(true)
    expect(isWithin('11.1.2.3', '10.0.0.0/8')).toBe(false)
    expect(isWithin('2001:db8::1', '2001:db8::/32')).toBe(true)
    expect(isWithin('', '0.0.0.0/0')).toBe(false)
    for (const list of [
      '',
      ',',
      '10.0.0.0/33',
      '10.0.0/8',
      '!10.0.0.1',
      '*',
      '10.0.0.1 ',
      'a',
      '10.0.0.0/08',
    ])
      expect(readNetworks(list), list).toBeUndefined()
  })
})

const HASHES: Readonly<Record<string, string>> = { 256: 'sha256', 384: 'sha384', 521: 'sha512' }

/** Two numbers as the wire has them (RFC 5656 section 3.1.2). */
function pairOf(fixed: Buffer): Buffer {
  const half = fixed.length / 2
  return Buffer.concat(
    [fixed.subarray(0, half), fixed.subarray(half)].map(each => {
      let from = 0
      while (from < each.length - 1 && each[from] === 0) from += 1
      const short = each.subarray(from)
      return string((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short)
    }),
  )
}
