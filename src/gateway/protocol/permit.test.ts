import { describe, expect, it } from 'vitest'
import { read } from '../gateway.testing.ts'
import { Permit } from './permit.ts'

describe('what only looks like a permit', () => {
  it('is told from one by its mint, whatever a cast says', () => {
    expect(Permit.isMinted({ statement: read(), auditIndex: 1 })).toBe(false)
    expect(Permit.isMinted(Object.create(Permit.prototype))).toBe(false)
  })

  it('is not made by whoever enters by the door of the gateway', async () => {
    const door = Object.keys(await import('#gateway'))
    expect(door.filter(name => /permit/i.test(name))).toEqual([])
  })
})
