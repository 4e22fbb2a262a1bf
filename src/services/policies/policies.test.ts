import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Problem } from '#engines/policy'
import { ConfigurationError } from '#model'
import { openPolicies, type Policies } from './policies.ts'

const good =
  '@id("a") permit (principal, action == Action::"read", resource in Resource::"shop");\n'
const vocabulary = () => ({ resources: [{ name: 'shop', tags: {} }], dataClasses: [] })

describe('policies of a folder', () => {
  let folder: string
  let problems: Problem[]
  let open: Policies | undefined
  const onProblem = (found: readonly Problem[]) => problems.push(...found)
  const start = async () => {
    open = await openPolicies({ folder, vocabulary, onProblem, settleMs: 20 })
    return open
  }
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'policies-'))
    problems = []
  })
  afterEach(() => {
    open?.close()
    open = undefined
    rmSync(folder, { recursive: true, force: true })
  })

  it('are loaded from *.cedar files in the order of their names', async () => {
    write('b.cedar', good.replace('"a"', '"second"'))
    write('a.cedar', good)
    write('notes.txt', 'not a policy')
    const policies = await start()
    expect(policies.current().policies.map(({ id, file }) => [id, file])).toEqual([
      ['a', 'a.cedar'],
      ['second', 'b.cedar'],
    ])
  })

  it('are none under a name in capitals, which would be left out without a word', async () => {
    write('a.cedar', good)
    write('B.CEDAR', good.replace('"a"', '"second"'))
    await expect(start()).rejects.toThrow(/B\.CEDAR.*small letters/)
  })

  it('must check at start, and the error lists each place', async () => {
    write('a.cedar', `${good}\n@id("x") permit (principal, action, resource) when { bla };`)
    await expect(start()).rejects.toThrow(ConfigurationError)
    await expect(start()).rejects.toThrow(/a\.cedar:3:54 .*invalid variable: bla/)
    rmSync(folder, { recursive: true })
    await expect(start()).rejects.toThrow(ConfigurationError)
  })

  it('follow the folder, and a bad edit keeps the old set', async () => {
    write('a.cedar', good)
    const policies = await start()
    const before = policies.current()
    const changed = vi.fn()
    policies.onChange(changed)
    write('a.cedar', good.replace('read', 'reed'))
    await vi.waitFor(() => expect(problems.length).toBeGreaterThan(0), 30_000)
    expect(problems[0]).toMatchObject({ file: 'a.cedar', line: 1, severity: 'error', policy: 'a' })
    expect(policies.current()).toBe(before)
    expect(changed).not.toHaveBeenCalled()
    write('a.cedar', good.replace('read', 'write'))
    await vi.waitFor(() => expect(changed).toHaveBeenCalled(), 30_000)
    expect(policies.current().hash).not.toBe(before.hash)
  })

  it('reload on demand, and say whether it worked', async () => {
    write('a.cedar', good)
    const policies = await start()
    const before = policies.current()
    expect(await policies.reload()).toBe(true)
    expect(policies.current()).toBe(before)
    write('a.cedar', 'permit')
    expect(await policies.reload()).toBe(false)
    expect(policies.current()).toBe(before)
  })

  it('refuse links that lead out, large files and bytes that are no text', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'outside-'))
    writeFileSync(join(outside, 'x.cedar'), good)
    symlinkSync(join(outside, 'x.cedar'), join(folder, 'link.cedar'))
    await expect(start()).rejects.toThrow(/link\.cedar.*leads out/)
    rmSync(join(folder, 'link.cedar'))
    rmSync(outside, { recursive: true })
    write('large.cedar', `//${' '.repeat(1024 * 1024)}`)
    await expect(start()).rejects.toThrow(/large\.cedar.*1 MiB/)
    rmSync(join(folder, 'large.cedar'))
    writeFileSync(join(folder, 'bytes.cedar'), Buffer.from([0x2f, 0x2f, 0xff]))
    await expect(start()).rejects.toThrow(/bytes\.cedar.*UTF-8/)
    rmSync(join(folder, 'bytes.cedar'))
    write('a.cedar', good)
    symlinkSync('a.cedar', join(folder, 'b-link.cedar'))
    await expect(start()).rejects.toThrow(/@id\("a"\) is taken/)
  })

  it('report warnings at start', async () => {
    write('a.cedar', good.replace('shop', 'shpo'))
    await start()
    expect(problems).toMatchObject([
      { severity: 'warning', line: 1, column: 77, message: 'there is no resource "shpo"' },
    ])
  })
})
