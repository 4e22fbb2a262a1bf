import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LogFields, silentLog } from './log.ts'
import { Repeats } from './repeats.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function repeats() {
  const lines: [string, LogFields][] = []
  const take = (fields: LogFields, event: string) => void lines.push([event, fields])
  return { lines, repeats: new Repeats({ ...silentLog, warn: take, error: take }) }
}
const gone = () => Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' })

it('what fails again and again is told whole once, then as one line with the number', () => {
  const { lines, repeats: told } = repeats()
  const err = gone()
  for (let time = 0; time < 1_000; time += 1) {
    // (Thrown elsewhere, it is the same trouble.)
    const again = time === 0 ? err : Object.assign(gone(), { stack: `at ${time}` })
    const session = `ses-${time}`
    told.tell('error', 'credential.failed', { resource: 'shop' }, { err: again, session })
  }
  expect(lines).toEqual([['credential.failed', { resource: 'shop', err, session: 'ses-0' }]])
  vi.advanceTimersByTime(60_000)
  expect(lines.slice(1)).toEqual([['credential.failed', { resource: 'shop', more: 999 }]])
  // Nothing came since: nothing is told, and the next is news again.
  vi.advanceTimersByTime(60_000)
  expect(lines).toHaveLength(2)
  told.tell('error', 'credential.failed', { resource: 'shop' }, { err, session: 'ses-last' })
  expect(lines).toHaveLength(3)
})

it('another trouble is told whole at once: of another resource, or for another reason', () => {
  const { lines, repeats: told } = repeats()
  const err = gone()
  const denied = Object.assign(new Error('denied'), { code: 'EACCES', syscall: 'open' })
  told.tell('error', 'credential.failed', { resource: 'shop' }, { err })
  told.tell('error', 'credential.failed', { resource: 'crm' }, { err })
  told.tell('error', 'credential.failed', { resource: 'shop' }, { err: denied })
  told.tell('warn', 'upstream.failed', { resource: 'shop' }, { err })
  expect(lines).toHaveLength(4)
})

it('many different ones share one place, so that none fills the log or the memory', () => {
  const { lines, repeats: told } = repeats()
  for (let time = 0; time < 5_000; time += 1)
    told.tell('warn', 'sign_in.failed', { code: `made-up-${time}` })
  expect(lines).toHaveLength(257)
  vi.advanceTimersByTime(60_000)
  expect(lines).toHaveLength(258)
  expect(lines.at(-1)).toEqual(['sign_in.failed', { more: 4_743 }])
})

it('what was counted is told at the end, once', () => {
  const { lines, repeats: told } = repeats()
  for (let time = 0; time < 3; time += 1)
    told.tell('warn', 'sign_in.failed', { code: 'unavailable' })
  told.end()
  expect(lines.at(-1)).toEqual(['sign_in.failed', { code: 'unavailable', more: 2 }])
  vi.advanceTimersByTime(60_000)
  expect(lines).toHaveLength(2)
})
