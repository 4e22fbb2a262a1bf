import { expect, it } from 'vitest'
import { AskingBound } from './asking-bound.ts'

it('thirty refusals within an hour are enough, for each principal by itself', () => {
  const bound = new AskingBound()
  for (let at = 0; at < 29; at += 1) bound.refused('eve', at)
  expect(bound.isOver('eve', 30)).toBe(false)
  bound.refused('eve', 30)
  expect(bound.isOver('eve', 31)).toBe(true)
  expect(bound.isOver('ana', 31)).toBe(false)
  expect(bound.isOver('eve', 3_600_000)).toBe(false)
})

it('remembers a bounded number of principals', () => {
  const bound = new AskingBound()
  for (let at = 0; at < 30; at += 1) bound.refused('first', 0)
  for (let at = 0; at < 9_999; at += 1) bound.refused(`p${at}`, 1)
  expect(bound.isOver('first', 2)).toBe(true)
  bound.refused('one-more', 2)
  expect(bound.isOver('first', 2)).toBe(false)
})
