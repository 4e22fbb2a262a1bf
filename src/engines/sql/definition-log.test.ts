import { describe, expect, it } from 'vitest'
import { DefinitionLog, DefinitionLogs, type ReadNames } from './definition-log.ts'

const reads = (...names: string[]): ReadNames => ({ names: new Set(names), tables: false })
const table: ReadNames = { names: new Set(['t']), tables: true }

describe('what was changed', () => {
  it('counts for who was judged before it, by name', () => {
    const log = new DefinitionLog()
    const before = log.changes
    log.changed(['v'])
    expect(log.mayDiffer(reads('v', 'w'), before)).toBe(true)
    expect(log.mayDiffer(reads('w'), before)).toBe(false)
    expect(log.mayDiffer({ names: 'all', tables: false }, before)).toBe(true)
    expect(log.mayDiffer(reads('v'), log.changes)).toBe(false)
    expect(log.rests(before)).toBe(false)
    expect(log.rests(log.changes)).toBe(true)
  })

  it('counts for all when it cannot be told what it was, or when it is too long ago', () => {
    const log = new DefinitionLog()
    log.changed('all')
    expect(log.mayDiffer(table, 0)).toBe(true)
    for (let at = 0; at < 300; at++) log.changed(['x'])
    expect(log.mayDiffer(reads('y'), 1)).toBe(true)
    expect(log.mayDiffer(reads('y'), 200)).toBe(false)
  })
})

describe('what a session is changing', () => {
  it('is seen by others from when its transaction may end, until it has', () => {
    const log = new DefinitionLog()
    const [one, other] = [log.open(), log.open()]
    one.begin(['v'], false)
    expect(log.mayDiffer(reads('v'), log.changes, other)).toBe(false)
    // (One that waits for its locks would see it.)
    expect(log.mayTurn(reads('v'), other)).toBe(true)
    expect(log.mayTurn(reads('w'), other)).toBe(false)
    expect(log.mayTurn(reads('v'), one)).toBe(false)
    one.show()
    expect(log.rests(log.changes, other)).toBe(false)
    expect(log.rests(log.changes, one)).toBe(true)
    expect(log.mayDiffer(reads('v'), log.changes, other)).toBe(true)
    one.end()
    expect(log.rests(log.changes, other)).toBe(true)
    // What begins behind it is hidden again.
    one.begin(['v'], false)
    expect(log.rests(log.changes, other)).toBe(true)
  })

  it('may be anything when it names no relations, but for tables not before others see it', () => {
    const log = new DefinitionLog()
    const one = log.open()
    one.begin('all', false)
    expect(log.mayTurn(reads('v'))).toBe(true)
    expect(log.mayTurn(table)).toBe(false)
    one.show()
    expect(log.mayTurn(table)).toBe(true)
  })
})

describe('who reads one database under several names', () => {
  it('hears of what is changed under each, while it listens', () => {
    const logs = new DefinitionLogs()
    const heard: unknown[] = []
    const leave = logs.at('one').listen(names => heard.push(names))
    logs.at('one').changed(['v'])
    logs.at('other').changed(['w'])
    logs.at('one').changed([])
    expect(heard).toEqual([['v']])
    expect(logs.at('one').changes).toBe(1)
    leave()
    logs.at('third')
    expect(logs.at('one').changes).toBe(0)
  })
})
