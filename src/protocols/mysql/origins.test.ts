// What a column definition adds to what the text says.
import { describe, expect, it } from 'vitest'
import type { ColumnOrigins } from '#engines/sql'
import { originOf } from './origins.ts'

const ssn = { object: 'shop.customers', column: 'ssn' }
const note = { object: 'shop.orders', column: 'note' }
const shown = { object: 'shop.v', column: 's' }

const catalog: ColumnOrigins = {
  columnOf(object, column) {
    const name = `${object}.${column}`
    if (name === 'shop.v.s') return { sources: [shown, ssn], shape: 'same' }
    if (name === 'shop.v.u') return { sources: 'all', shape: 'computed' }
    if (name !== 'shop.customers.ssn' && name !== 'shop.orders.note') return undefined
    return { sources: [{ object, column }], shape: 'same' }
  },
}
const described = (orgTable: string, orgName: string, schema = 'shop') => ({
  schema,
  orgTable,
  orgName,
})

describe('the origin of a column of an answer', () => {
  it('is the column that both the text and the definition name', () => {
    const lineage = { sources: [ssn], how: 'identity' } as const
    expect(originOf(described('customers', 'SSN'), lineage, catalog)).toEqual({
      origin: ssn,
      harmless: false,
      lineage,
    })
  })

  it('is what the text says where the definition names none', () => {
    const lineage = { sources: [ssn], how: 'transformed' } as const
    expect(originOf(described('', ''), lineage, catalog)).toEqual({
      origin: 'unknown',
      harmless: false,
      lineage,
    })
  })

  it('keeps what the text says where a derived table is called like another table', () => {
    const lineage = { sources: [ssn], how: 'identity' } as const
    expect(originOf(described('orders', 'note'), lineage, catalog)).toEqual({
      origin: note,
      harmless: false,
      lineage,
    })
  })

  it('is unknown where the text says nothing, whatever the definition names', () => {
    expect(originOf(described('orders', 'note'), undefined, catalog)).toEqual({
      origin: 'unknown',
      harmless: false,
      lineage: { sources: [note], how: 'unknown' },
    })
  })

  it('is unknown, and may be the column that the definition names, where the catalog does not have that', () => {
    const added = { object: 'shop.orders', column: 'added' }
    expect(originOf(described('orders', 'added'), undefined, catalog)).toMatchObject({
      origin: 'unknown',
      lineage: { sources: [added], how: 'unknown' },
    })
  })

  it('a column of a view has all that the view makes it of', () => {
    const lineage = { sources: [shown, ssn], how: 'identity' } as const
    const found = originOf(described('v', 's'), lineage, catalog)
    expect(found.sources).toEqual([shown, ssn])
    const untold = originOf(described('v', 'u'), { sources: [], how: 'transformed' }, catalog)
    expect(untold).toMatchObject({
      origin: 'unknown',
      harmless: false,
      lineage: { how: 'unknown' },
    })
  })

  it('a constant of no table is harmless, unless the definition names a column', () => {
    const lineage = { sources: [], how: 'transformed' } as const
    expect(originOf(described('', ''), lineage, catalog).harmless).toBe(true)
    expect(originOf(described('customers', 'ssn'), lineage, catalog)).toMatchObject({
      origin: ssn,
      harmless: false,
    })
  })
})
