import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { opensshPrivateKey, publicKeyLine, readPublicKey } from './public-key.ts'

describe('keys in the forms of OpenSSH', () => {
  it('ssh-keygen reads our private key, and finds our public key in it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-key-'))
    try {
      for (let n = 0; n < 5; n += 1) {
        const { privateKey } = generateKeyPairSync('ed25519')
        const file = join(folder, `key${n}`)
        writeFileSync(file, opensshPrivateKey(privateKey), { mode: 0o600 })
        const read = execFileSync('ssh-keygen', ['-y', '-f', file]).toString().trim()
        expect(read).toBe(publicKeyLine(privateKey))
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('a line whose type is not that of the key inside is no key', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const line = publicKeyLine(privateKey)
    expect(readPublicKey(`${line} comment with words`)?.type).toBe('ssh-ed25519')
    expect(readPublicKey(line.replace('ssh-ed25519', 'ssh-rsa'))).toBeUndefined()
    for (const broken of ['', 'ssh-ed25519', 'ssh-ed25519 !!!', 'ssh-dss AAAA', 'ssh-ed25519 AAAA'])
      expect(readPublicKey(broken), broken).toBeUndefined()
  })
})
