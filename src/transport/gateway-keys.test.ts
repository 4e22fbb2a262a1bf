import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ConfigurationError } from '#model'
import { openServerAuthority } from './authority.ts'
import { openGatewayKeys } from './gateway-keys.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('a key that is damaged is not replaced: the start says which, and what to do', async () => {
  await openServerAuthority({ folder, now: Date.now })
  openGatewayKeys(folder)
  const keys = (name: string) => join(folder, 'keys', name)
  for (const name of ['host.key', 'user-ca.key']) {
    const good = readFileSync(keys(name))
    for (const text of ['', readFileSync(keys('server-ca.key'), 'utf8')]) {
      writeFileSync(keys(name), text)
      expect(() => openGatewayKeys(folder)).toThrow(ConfigurationError)
      expect(() => openGatewayKeys(folder)).toThrow(/keys\/\S+ is not .*backup/)
    }
    writeFileSync(keys(name), good)
  }
  writeFileSync(keys('server-ca.key'), readFileSync(keys('host.key')))
  const opening = openServerAuthority({ folder, now: Date.now })
  await expect(opening).rejects.toThrow(/server-ca\.key is not .*backup/)
})
