import { describe, expect, it } from 'vitest'
import { ConfigurationError, type Resource } from '#model'
import { createInventory, type InventoryChange } from './index.ts'

const resource = (name: string, upstream: unknown = { host: 'db', port: 1 }): Resource => ({
  name,
  protocol: 'parcel',
  tags: {},
  upstream,
  credential: { secrets: {} },
  connector: 'none',
  recording: { keep: 'answers', answerBytes: 1, input: false },
  masking: { predicates: { user: 'allow', agent: 'allow' }, valuesPerHour: 20 },
})

describe('the inventory', () => {
  it('finds resources by their exact name, and lists them by name', () => {
    const inventory = createInventory([resource('b'), resource('a')])
    expect(inventory.get('a')?.name).toBe('a')
    expect(inventory.get('A')).toBeUndefined()
    expect(inventory.get('__proto__')).toBeUndefined()
    expect(inventory.list().map(({ name }) => name)).toEqual(['a', 'b'])
  })

  it('tells what was added, changed and removed', () => {
    const inventory = createInventory([resource('a'), resource('b'), resource('c')])
    const seen: InventoryChange[] = []
    const stop = inventory.onChange(change => seen.push(change))
    const change = inventory.replace([
      resource('b', { host: 'other' }),
      resource('c'),
      resource('d'),
    ])
    expect(change).toEqual({ added: ['d'], changed: ['b'], removed: ['a'] })
    expect(seen).toEqual([change])
    expect(inventory.get('a')).toBeUndefined()
    stop()
    inventory.replace([])
    expect(seen).toHaveLength(1)
  })

  it('sees no change in another order of keys or resources', () => {
    const inventory = createInventory([resource('a', { host: 'h', port: 1 }), resource('b')])
    let told = 0
    inventory.onChange(() => {
      told += 1
    })
    inventory.replace([resource('b'), resource('a', { port: 1, host: 'h' })])
    expect(told).toBe(0)
  })

  it('refuses a bad or doubled name and then changes nothing', () => {
    const inventory = createInventory([resource('a')])
    for (const name of ['', 'A', 'a/b', '..', 'a b', 'a\n', '-a', 'x'.repeat(64)]) {
      expect(() => inventory.replace([resource(name)]), name).toThrow(ConfigurationError)
    }
    expect(() => inventory.replace([resource('b'), resource('b')])).toThrow('two resources')
    expect(inventory.list().map(({ name }) => name)).toEqual(['a'])
  })
})
