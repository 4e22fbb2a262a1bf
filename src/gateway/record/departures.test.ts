import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AuditEntry } from '#model'
import { type AuditLog, nodeFiles, openAuditLog } from '#services/audit'
import { Departures, SessionDeparture } from './departures.ts'

const entry: AuditEntry = { kind: 'statement.permitted', session: 's-1' }

let folder: string
let log: AuditLog
let full: boolean
let writes: number
/** What waits for the end of the loop's turn. */
let turn: (() => void)[]
let departures: Departures
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-departures-'))
  full = false
  log = await openAuditLog({
    folder,
    origin: 'test/audit',
    now: () => 1_767_225_600_000,
    checkpointMs: 0,
    files: {
      ...nodeFiles,
      write: (...call) => {
        if (full) throw new Error('ENOSPC')
        writes += 1
        return nodeFiles.write(...call)
      },
    },
  })
  writes = 0
  turn = []
  departures = new Departures(log, over => void turn.push(over))
})
afterEach(async () => {
  full = false
  await log.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A session that notes what it sends, or why it cannot. */
function session(name: string, sent: string[]): SessionDeparture {
  const departure: SessionDeparture = new SessionDeparture(departures, () => {
    try {
      departure.clear()
      sent.push(name)
    } catch (error) {
      sent.push(`${name}: ${(error as { code: string }).code}`)
    }
  })
  return departure
}

function endTurn(): void {
  for (const over of turn.splice(0)) over()
}

describe('departures', () => {
  it('of a session that is alone leave at once, each entry by itself', () => {
    const sent: string[] = []
    const alone = session('a', sent)
    for (let at = 0; at < 3; at++) {
      alone.enter(entry)
      expect(alone.waits).toBe(false)
      alone.leave()
    }
    expect([sent, writes, turn]).toEqual([['a', 'a', 'a'], 3, []])
  })

  it('of several sessions share one write at the end of the turn, and nobody leaves before it', () => {
    const sent: string[] = []
    const [a, b, c] = ['a', 'b', 'c'].map(name => session(name, sent)) as [
      SessionDeparture,
      SessionDeparture,
      SessionDeparture,
    ]
    a.enter(entry)
    a.leave()
    sent.length = 0
    writes = 0
    for (const each of [b, c, a]) {
      each.enter(entry)
      expect(each.waits).toBe(true)
      each.leave()
      each.leave()
    }
    expect([sent, writes]).toEqual([[], 0])
    endTurn()
    expect([sent, writes, log.size]).toEqual([['b', 'c', 'a'], 1, 5])
    expect([a.waits, b.waits, c.waits]).toEqual([false, false, false])
  })

  it('come to the end of company: who asks on alone no longer waits', () => {
    const sent: string[] = []
    const [a, b] = ['a', 'b'].map(name => session(name, sent)) as [
      SessionDeparture,
      SessionDeparture,
    ]
    a.enter(entry)
    b.enter(entry)
    expect(b.waits).toBe(true)
    for (let at = 0; at < 20; at++) b.enter(entry)
    b.clear()
    b.enter(entry)
    expect(b.waits).toBe(false)
  })

  it('are all off when the write fails: nobody of the batch ever leaves, and the log goes on', () => {
    const sent: string[] = []
    const [a, b] = ['a', 'b'].map(name => session(name, sent)) as [
      SessionDeparture,
      SessionDeparture,
    ]
    a.enter(entry)
    const lostOfB = b.enter(entry)
    const lostOfA = a.enter(entry)
    a.leave()
    b.leave()
    full = true
    endTurn()
    expect(sent).toEqual(['a: audit_unavailable', 'b: audit_unavailable'])
    expect([a.isLost(lostOfA), b.isLost(lostOfB), b.isLost(lostOfB - 1)]).toEqual([
      true,
      true,
      false,
    ])
    full = false
    expect(() => a.enter(entry)).toThrow('The audit log cannot be written.')
    expect(() => b.clear()).toThrow('The audit log cannot be written.')
    const later = session('c', sent)
    expect(later.enter(entry)).toBe(lostOfB)
  })

  it('are not lost with what others enter after them', () => {
    const sent: string[] = []
    const [a, b] = ['a', 'b'].map(name => session(name, sent)) as [
      SessionDeparture,
      SessionDeparture,
    ]
    a.enter(entry)
    b.enter(entry)
    log.append(entry)
    full = true
    expect(() => log.append(entry)).toThrow()
    b.clear()
    expect(b.waits).toBe(false)
  })

  it('do not gather while the log fails: each statement is refused by itself', () => {
    const sent: string[] = []
    const [a, b] = ['a', 'b'].map(name => session(name, sent)) as [
      SessionDeparture,
      SessionDeparture,
    ]
    a.enter(entry)
    full = true
    expect(() => log.append(entry)).toThrow()
    expect(() => b.enter(entry)).toThrow()
    expect(b.waits).toBe(false)
    full = false
    expect(a.enter(entry)).toBe(log.size - 1)
  })
})
