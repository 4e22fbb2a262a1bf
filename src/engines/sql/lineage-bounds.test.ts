// What asks for more work than it is worth ends soon, and is `unknown` rather than wrong.
import { beforeAll, describe, expect, it } from 'vitest'
import { leastCpuMs } from '../../../test/cpu.ts'
import { type Analyser, createPostgresAnalyser, type Names, toStatement } from './index.ts'
import { names as few } from './lineage.testing.ts'

const columns = Array.from({ length: 1600 }, (_, index) => `c${index}`)
const names: Names = {
  ...few,
  resolve: relation =>
    relation.name === 'wide' ? [{ object: 'wide', kind: 'table', columns }] : few.resolve(relation),
}

const times = (count: number, text: string, by: string): string => Array(count).fill(text).join(by)
function nested(
  depth: number,
  core: string,
  around: (inner: string, level: number) => string,
): string {
  let text = core
  for (let level = 0; level < depth; level++) text = around(text, level)
  return text
}

/** Text, and how many outputs are told; undefined: unknown. */
const heavy: Readonly<Record<string, readonly [text: string, outputs: number | undefined]>> = {
  'a star of 1,600 columns, 50 levels deep': [
    nested(50, 'select * from wide', (inner, level) => `select * from (${inner}) s${level}`),
    1600,
  ],
  'a whole row within a row, 50 levels deep': [
    nested(
      50,
      'select w from wide w',
      (inner, level) => `select s${level} from (${inner}) s${level}`,
    ),
    1,
  ],
  'more columns than the server answers with': [
    `select * from ${times(20, 'wide', ' natural join ')}, wide w`,
    undefined,
  ],
  '300 unions of 1,600 columns': [times(300, 'select * from wide', ' union '), undefined],
  '1,500 windows': [
    `select ${times(1500, 'sum(id) over w', ', ')} from customers window w as (partition by name order by ssn)`,
    1500,
  ],
  'CTEs that double 400 times': [
    `with ${Array.from({ length: 400 }, (_, index) => `a${index} as (select * from ${index === 0 ? 'customers' : `a${index - 1} x, a${index - 1} y`})`).join(', ')} select count(*), (select 1 from a399) from a399`,
    undefined,
  ],
  'values that go round through 300 columns': [
    `with recursive r as (select ${columns
      .slice(0, 300)
      .map(name => `ssn ${name}`)
      .join(', ')} from customers union all select ${columns
      .slice(0, 300)
      .map((_, index) => `c${(index + 1) % 300}`)
      .join(', ')} from r) select * from r`,
    300,
  ],
  'a hundred levels of sub-query': [
    nested(100, 'select ssn from customers', inner => `select (${inner} limit 1)`),
    1,
  ],
}

describe('a text that asks for much', () => {
  let analyser: Analyser
  beforeAll(async () => {
    analyser = await createPostgresAnalyser()
  })

  it.each(Object.entries(heavy))('%s', (_, [text, expected]) => {
    // Nothing is kept of the try before: each has a text of its own.
    const analyses = Array.from({ length: 5 }, (_, at) => analyser.analyse(text + ' '.repeat(at)))
    const cpu = leastCpuMs(attempt => {
      const analysis = analyses[attempt]
      if (analysis?.readable !== true) throw new Error('it cannot be read')
      const { lineage } = toStatement(analysis, names, { text, phase: 'execute' })
      const outputs = lineage?.[0]?.outputs
      expect(outputs === 'unknown' ? undefined : outputs?.length).toBe(expected)
    }, 250)
    expect(cpu).toBeLessThan(250)
  })
})
