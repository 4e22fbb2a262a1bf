import { describe, expect, it } from 'vitest'
import { keepsReading, pinnedSqlMode } from './reading.ts'

describe('sql_mode', () => {
  it('keeps what a server has of its own but modes that change how texts are read', () => {
    const mode = 'STRICT_TRANS_TABLES,ANSI_QUOTES,NO_ZERO_DATE, no_backslash_escapes'
    expect(pinnedSqlMode(mode)).toBe('STRICT_TRANS_TABLES,NO_ZERO_DATE')
    expect(pinnedSqlMode('')).toBe('')
  })

  it('tells values under which texts read as we read them', () => {
    expect(keepsReading('STRICT_ALL_TABLES,NO_ZERO_DATE')).toBe(true)
    expect(keepsReading('')).toBe(true)
    expect(keepsReading('strict_all_tables, ansi_quotes')).toBe(false)
    expect(keepsReading('oracle')).toBe(false)
    expect(keepsReading('4')).toBe(false)
  })
})
