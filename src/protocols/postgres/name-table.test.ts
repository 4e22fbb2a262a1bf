import { describe, expect, it } from 'vitest'
import { NameTable } from './name-table.ts'

// The empty name is kept apart from the others; it must not behave otherwise.
describe.each(['', 's1'])('the name "%s"', name => {
  it('means what the upstream has confirmed, and what its own segment has defined', () => {
    const table = new NameTable<string>()
    const definition = table.define(name, 'first', 1)
    expect(table.find(name, 1)).toBe('first')
    expect(table.find(name, 2)).toBe('unsettled')
    table.settle(definition, true)
    expect(table.find(name, 2)).toBe('first')
    expect([...table.values()]).toEqual(['first'])
    expect(table.size).toBe(1)
  })

  it('means again what it meant before when a definition fails', () => {
    const table = new NameTable<string>()
    table.settle(table.define(name, 'first', 1), true)
    const failing = table.define(name, 'second', 2)
    table.settle(failing, false)
    expect(table.find(name, 3)).toBe('first')
  })

  it('is gone when its removal is confirmed, and when the first definition fails', () => {
    const table = new NameTable<string>()
    table.settle(table.define(name, 'first', 1), false)
    expect(table.has(name)).toBe(false)
    table.settle(table.define(name, 'first', 1), true)
    table.settle(table.define(name, undefined, 2), true)
    expect(table.has(name)).toBe(false)
    expect(table.size).toBe(0)
  })

  it('is forgotten when all is cleared, but not what is on its way', () => {
    const table = new NameTable<string>()
    table.settle(table.define(name, 'first', 1), true)
    const pending = table.define(name, 'second', 2)
    table.clear()
    table.settle(pending, false)
    expect(table.find(name, 3)).toBeUndefined()
    table.set(name, 'third')
    table.clear()
    expect(table.has(name)).toBe(false)
  })
})
