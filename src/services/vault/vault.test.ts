import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConfigurationError, Secret, Unavailable } from '#model'
import { createVault } from './index.ts'

describe('the vault', () => {
  let folder: string
  let exposed: string[]
  const vault = () => createVault({ baseFolder: folder, onExposed: file => exposed.push(file) })
  const write = (name: string, text: string) =>
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  const read = async (reference: string) => (await vault().resolve(reference)).reveal()
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sallyport-vault-'))
    exposed = []
    process.env['VAULT_TEST_SECRET'] = 'from the environment'
  })
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
    delete process.env['VAULT_TEST_SECRET']
  })

  it('resolves a variable, and a file without one trailing newline', async () => {
    expect(await read('env:VAULT_TEST_SECRET')).toBe('from the environment')
    write('a', 'hunter2\n')
    write('b', 'hunter2\r\n')
    write('c', ' hunter2 \n\n')
    write('d', 'hunter2')
    expect(await read('file:a')).toBe('hunter2')
    expect(await read(`file:${join(folder, 'b')}`)).toBe('hunter2')
    expect(await read('file:c')).toBe(' hunter2 \n')
    expect(await read('file:d')).toBe('hunter2')
  })

  it('reads again each time, so that a rotated secret is used', async () => {
    const same = vault()
    write('a', 'old')
    expect((await same.resolve('file:a')).reveal()).toBe('old')
    write('a', 'new')
    expect((await same.resolve('file:a')).reveal()).toBe('new')
  })

  it('refuses what is unset, empty, missing, no file, or too large', async () => {
    write('empty', '\n')
    write('large', 'x'.repeat(65_537))
    write('largest', 'x'.repeat(65_536))
    mkdirSync(join(folder, 'folder'))
    execFileSync('mkfifo', [join(folder, 'pipe')])
    for (const reference of [
      'env:VAULT_TEST_NOT_SET',
      'env:',
      'file:',
      'file:missing',
      'file:empty',
      'file:large',
      'file:folder',
      'file:pipe',
    ]) {
      await expect(read(reference), reference).rejects.toThrow(ConfigurationError)
    }
    expect(await read('file:largest')).toHaveLength(65_536)
  })

  it('refuses the kinds that it does not have, and never repeats what may be a secret', async () => {
    await expect(read('vault:kv/shop#password')).rejects.toThrow('vault: references are not')
    await expect(read('stored:shop')).rejects.toThrow('stored: references are not')
    const error = await vault()
      .resolve('hunter2')
      .catch(thrown => thrown)
    expect(error).toBeInstanceOf(ConfigurationError)
    expect(error.message).not.toContain('hunter2')
  })

  it('says once that everybody on the machine can read a file', async () => {
    const same = vault()
    write('a', 'x')
    await same.resolve('file:a')
    expect(exposed).toEqual([])
    chmodSync(join(folder, 'a'), 0o644)
    await same.resolve('file:a')
    await same.resolve('file:a')
    expect(exposed).toEqual([join(folder, 'a')])
  })

  it('says nothing of certificates, which are public, unless a key stands beside them', async () => {
    const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'
    for (const [name, text] of [
      ['ca', certificate],
      ['both', certificate + key],
      ['behind', `hunter2 ${certificate}`],
    ] as const) {
      write(name, text)
      chmodSync(join(folder, name), 0o644)
      await read(`file:${name}`)
    }
    expect(exposed).toEqual([join(folder, 'both'), join(folder, 'behind')])
  })

  it('lends a credential and wipes it when it comes back', async () => {
    write('a', 'hunter2')
    const lease = await vault().lease({
      name: 'shop',
      credential: { user: 'app', secrets: { password: 'file:a', token: 'env:VAULT_TEST_SECRET' } },
    })
    expect(lease.user).toBe('app')
    const bytes = lease.secrets['password']?.bytes()
    expect(Buffer.from(bytes ?? []).toString()).toBe('hunter2')
    expect(JSON.stringify(lease)).not.toContain('hunter2')
    lease.release()
    lease.release()
    expect(bytes?.every(byte => byte === 0)).toBe(true)
    expect(lease.secrets['token']?.length).toBe(0)
  })

  it('lends all of a credential or nothing, and tells a client no path', async () => {
    const lease = vault().lease({
      name: 'shop',
      credential: { user: 'app', secrets: { token: 'env:VAULT_TEST_SECRET', key: 'file:missing' } },
    })
    const wiped = vi.spyOn(Secret.prototype, 'wipe')
    const error = await lease.catch(thrown => thrown)
    expect(wiped).toHaveBeenCalledTimes(1)
    wiped.mockRestore()
    expect(error).toBeInstanceOf(Unavailable)
    expect(error.message).toBe('the credential of "shop" is not available')
    expect(String(error.cause)).toContain('missing')
  })
})
