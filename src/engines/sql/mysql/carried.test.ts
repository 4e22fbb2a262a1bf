// Values that an earlier statement has left in the session, or that the server quotes: they may be anybody's.
import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createMysqlAnalyser,
  type MysqlAnalyser,
  mysqlGrammar,
  mysqlNames,
  type Names,
  toStatement,
} from '../index.ts'

const names: Names = {
  rules: mysqlNames,
  resolve: ({ name }) => [{ object: `shop.${name}`, kind: 'table', columns: ['id', 'ssn'] }],
}
let analyser: MysqlAnalyser
beforeAll(async () => {
  analyser = await createMysqlAnalyser(await readFile(mysqlGrammar))
})

function made(text: string): ReturnType<typeof toStatement> {
  const analysis = analyser.analyse(text, { flavour: 'mariadb', version: 101119, database: 'shop' })
  if (!analysis.readable) throw new Error(analysis.message)
  return toStatement(analysis, names, { text, phase: 'execute' })
}

describe('an answer that is not of the statement alone', () => {
  it.each([
    'select @v',
    'select id, @v from customers',
    'show warnings',
    'show errors limit 1',
    'checksum table customers',
  ])('may come from anything: %s', text => {
    expect(made(text).mayDeriveFrom).toBe('all')
  })

  it.each([
    'select 1',
    'select id from customers',
    'show tables',
    'show status',
    'set @v = 1',
    'begin',
  ])('and no other may: %s', text => {
    expect(made(text).mayDeriveFrom).not.toBe('all')
  })

  it('of a warning the text alone is in doubt', () => {
    const hows = made('show warnings').lineage?.[0]?.outputs
    expect(hows).toEqual([
      { sources: [], how: 'transformed' },
      { sources: [], how: 'transformed' },
      { sources: [], how: 'unknown' },
    ])
  })

  it('EXPLAIN answers with what the statement reads', () => {
    expect(made('explain select ssn from customers').mayDeriveFrom).toEqual([
      { object: 'shop.customers', column: 'ssn' },
    ])
  })
})
