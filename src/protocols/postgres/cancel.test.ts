import { describe, expect, it, vi } from 'vitest'
import { createCancelRegistry } from './cancel.ts'

describe('the cancel registry', () => {
  it('gives keys of 4 bytes to 3.0 clients and of 32 to newer ones, each with its own number', () => {
    const registry = createCancelRegistry()
    const keys = Array.from({ length: 50 }, (_, index) =>
      registry.issue(index % 2 === 0 ? 0 : 2, () => {}),
    )
    expect(keys[0]?.key.length).toBe(4)
    expect(keys[1]?.key.length).toBe(32)
    expect(new Set(keys.map(key => key.pid)).size).toBe(50)
    expect(keys.every(key => key.pid > 0 && key.pid < 2 ** 31)).toBe(true)
  })

  it('cancels for the right key only', () => {
    const cancel = vi.fn()
    const registry = createCancelRegistry()
    const { pid, key } = registry.issue(2, cancel)
    const wrong = Uint8Array.from(key)
    wrong[31] = (wrong[31] ?? 0) ^ 1
    expect(registry.request(pid, wrong, '::1')).toBe(false)
    expect(registry.request(pid, key.subarray(0, 4), '::1')).toBe(false)
    expect(registry.request(pid + 1, key, '::1')).toBe(false)
    expect(cancel).not.toHaveBeenCalled()
    expect(registry.request(pid, key, '::1')).toBe(true)
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('forgets a key with its session', () => {
    const registry = createCancelRegistry()
    const issued = registry.issue(0, () => expect.unreachable())
    issued.forget()
    expect(registry.request(issued.pid, issued.key, '::1')).toBe(false)
    expect(registry.size).toBe(0)
  })

  it('lets nobody guess fast, and lets others ask meanwhile', () => {
    let now = 0
    const cancel = vi.fn()
    const registry = createCancelRegistry(() => now)
    const { pid, key } = registry.issue(0, cancel)
    for (let guess = 0; guess < 1_000; guess += 1)
      registry.request(pid, Buffer.alloc(4, guess), '10.0.0.1')
    expect(registry.request(pid, key, '10.0.0.1')).toBe(false)
    expect(registry.request(pid, key, '10.0.0.2')).toBe(true)
    now += 1_000
    expect(registry.request(pid, key, '10.0.0.1')).toBe(true)
  })
})
