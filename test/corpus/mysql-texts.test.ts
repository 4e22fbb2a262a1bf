// What texts of MySQL and MariaDB do, by the words of the analyser: `mysql-texts.txt` has one text a line (`\n` for a line
// feed), then what it is taken for. Reviewed by hand, and held against a real server by test/differential.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  createMysqlAnalyser,
  type MysqlAnalyser,
  mysqlGrammar,
} from '../../src/engines/sql/index.ts'
import { summary } from './mysql-summary.ts'

const lines = readFileSync(new URL('mysql-texts.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('# '))
const cases = lines.map(line => {
  const at = line.lastIndexOf(' ==> ')
  return [line.slice(0, at).replaceAll('\\n', '\n'), line.slice(at + 5)] as const
})

describe('texts of MySQL and MariaDB', () => {
  let analyser: MysqlAnalyser
  beforeAll(async () => {
    analyser = await createMysqlAnalyser(readFileSync(mysqlGrammar))
  })

  it.each(cases)('%s', (text, expected) => {
    const reading = { flavour: 'mariadb', version: 101_119, database: 'shop' } as const
    expect(summary(analyser.analyse(text, reading))).toBe(expected)
    // A resource where files of clients may be loaded reads all other texts as the others do.
    const local = /\blocal\b/i.test(text)
    if (!local)
      expect(summary(analyser.analyse(text, { ...reading, localFiles: true }))).toBe(expected)
    // Kept or read anew, it says the same.
    expect(summary(analyser.analyse(text, reading))).toBe(expected)
    expect(summary(analyser.analyseWithValues(text, reading))).toBe(expected)
  })
})
