// The parts of the session page that need no browser: the time of a replay, its lane, and steps out of events.
import { describe, expect, it } from 'vitest'
import { clockOf, lastIndex } from '../../web/features/sessions/clock.ts'
import { laneOf } from '../../web/features/sessions/lane.ts'
import { stepsOf } from '../../web/features/sessions/recording.ts'
import { queryOf, sessionSearch } from '../../web/features/sessions/search.ts'

const statement = (entry: number, at: number, effect: string, more: object = {}) => ({
  kind: 'statement',
  at,
  entry,
  text: `select ${effect === 'held' ? 7 : entry}`,
  effect,
  code: 'x',
  policies: [],
  ...more,
})

describe('the time of a replay', () => {
  it('is as it was, but for pauses, which count two seconds at most', () => {
    const clock = clockOf(
      [
        { at: 1_000, until: 1_500 },
        { at: 61_500, until: 61_600 },
        { at: 61_700, until: 361_700 },
      ],
      1_000,
    )
    expect(clock.length).toBe(500 + 2_000 + 100 + 100 + 2_000)
    expect([1_000, 1_500, 31_500, 61_500, 61_650, 361_700, 999_999].map(clock.toPlay)).toEqual([
      0, 500, 1_500, 2_500, 2_650, 4_700, 4_700,
    ])
    for (const at of [1_000, 1_250, 40_000, 61_500, 61_700, 200_000, 361_700])
      expect(clock.toTime(clock.toPlay(at))).toBeCloseTo(at, 3)
    expect(clock.toTime(99_999)).toBe(361_700)
    expect(clock.toPlay(0)).toBe(0)
  })

  it('has a length also when all of it was in one moment', () => {
    const clock = clockOf([{ at: 5, until: 5 }], 5)
    expect([clock.length, clock.toPlay(5), clock.toTime(1)]).toEqual([1, 0, 5])
  })

  it('finds the last that fits', () => {
    expect([-1, 0, 1, 2].map(at => lastIndex([0, 1, 2], each => each <= at))).toEqual([-1, 0, 1, 2])
  })
})

describe('steps', () => {
  it('know how long they ran or waited, what they touch and what was masked', () => {
    const steps = stepsOf([
      statement(1, 10, 'permit', { objects: ['public.t'], verbs: ['SELECT'] }),
      {
        kind: 'outcome',
        at: 30,
        entry: 1,
        status: 'completed',
        rows: 1,
        bytes: 2,
        masked: { email: 3 },
      },
      statement(1, 40, 'permit'),
      statement(2, 50, 'held'),
      { ...statement(3, 950, 'permit'), text: 'select 7' },
    ])
    expect(steps.map(({ until }) => until)).toEqual([30, 40, 950, 950])
    expect(steps[0]?.masked).toEqual([['email', 3]])
    expect(steps.slice(0, 2).map(({ objects }) => objects)).toEqual([['public.t'], ['public.t']])
  })

  it('make a lane of few shapes, however many they are', () => {
    const steps = stepsOf(
      Array.from({ length: 10_000 }, (_, at) =>
        statement(at, at * 3, at % 100 === 7 ? 'deny' : 'permit'),
      ),
    )
    const lane = laneOf(steps, clockOf(steps, 0), 1_000)
    expect(lane.permit.length + lane.deny.length).toBeLessThan(60_000)
    expect(lane.deny).not.toBe('')
    expect(lane.marks.length).toBeLessThan(80)
    expect(lane.marks[0]?.effect).toBe('deny')
  })
})

describe('what is looked for', () => {
  it('stands in the address, and what is no such thing does not', () => {
    const search = sessionSearch({
      principal: 'ana',
      text: 42,
      decision: 'maybe',
      live: 'x',
      x: 1,
      table: '',
    })
    expect(search).toEqual({ principal: 'ana', text: '42' })
    expect(queryOf(search, 3)).toBeUndefined()
    expect(queryOf({ text: 'abc', from: '2026-11-21T09:00:00Z', live: true }, 3)).toEqual({
      text: 'abc',
      live: true,
      from: 1_795_251_600_000,
      until: undefined,
    })
    expect(queryOf({ from: 'yesterday' }, 3)).toBeUndefined()
  })
})
