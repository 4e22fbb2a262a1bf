import { beforeEach, describe, expect, it } from 'vitest'
import { Attention } from './attention.ts'

let now = 0
let waiting: (() => void)[] = []
let attention: Attention
const [client, upstream] = [{}, {}]

/** Turns of the loop of 5 us each, until nobody stays awake or the time is over; how long that was, in us. */
function turn(most = 1_000): number {
  const began = now
  while (waiting.length > 0 && now - began < most / 1000) {
    now += 0.005
    for (const again of waiting.splice(0)) again()
  }
  return Math.round((now - began) * 1000)
}

beforeEach(() => {
  now = 100
  waiting = []
  attention = new Attention({ now: () => now, soon: again => void waiting.push(again) })
})

describe('attention', () => {
  it('lasts until the answer comes, while answers come soon', () => {
    for (let n = 0; n < 50; n += 1) {
      attention.heard(client)
      attention.spoke()
      expect(turn(30)).toBeGreaterThanOrEqual(30)
      attention.heard(upstream)
      attention.spoke()
      expect(turn(30)).toBeGreaterThanOrEqual(30)
    }
  })

  it('ends by itself within a fifth of a millisecond', () => {
    for (let n = 0; n < 10; n += 1) {
      attention.heard(client)
      attention.spoke()
      turn(30)
      attention.heard(upstream)
    }
    attention.spoke()
    expect(turn()).toBeLessThanOrEqual(210)
    expect(waiting).toEqual([])
  })

  it('is given up where nothing comes soon, and tried again much later', () => {
    let spent = 0
    for (let n = 0; n < 400; n += 1) {
      attention.heard(client)
      attention.spoke()
      spent += turn()
      now += 5
    }
    // Of 400 writes in vain: a handful of tries at the beginning, and as many again each 200 writes.
    expect(spent).toBeLessThan(1_500)
    for (let n = 0; n < 200; n += 1) attention.spoke()
    expect(turn()).toBeGreaterThan(0)
  })

  it('is not paid in a crowd', () => {
    const legs = Array.from({ length: 8 }, () => ({}))
    for (const leg of legs) {
      attention.heard(leg)
      attention.spoke()
      turn(20)
    }
    turn()
    for (const leg of legs) {
      attention.heard(leg)
      attention.spoke()
      expect(waiting).toEqual([])
    }
    now += 100
    attention.heard(client)
    attention.spoke()
    expect(turn()).toBeGreaterThan(0)
  })
})
