import { describe, expect, test } from 'vitest'
import { scrubFields } from './fields.ts'
import type { MessageFields } from './messages.ts'

const scrub = () => 'hidden'
const unknownTable: MessageFields = [
  ['S', 'ERROR'],
  ['V', 'ERROR'],
  ['C', '42P01'],
  ['M', 'relation "nothing_here" does not exist'],
  ['P', '15'],
  ['F', 'parse_relation.c'],
  ['L', '1452'],
  ['R', 'parserOpenTable'],
]
const but = (changes: Record<string, string | undefined>): MessageFields => [
  ...unknownTable.filter(([code]) => !(code in changes)),
  ...Object.entries(changes).flatMap(([code, text]) =>
    text === undefined ? [] : [[code, text] as const],
  ),
]

describe('an error of a statement that touches masked columns', () => {
  test('is shown when parse analysis says it of the client’s own text', () => {
    expect(scrubFields('error', unknownTable, scrub)).toBeUndefined()
  })

  test('shows no code and no place that a function may have made of a value', () => {
    const raised = but({ F: 'pl_exec.c', C: '07811', p: '7811', q: 'select 1', M: 'no' })
    const said = Buffer.from(scrubFields('error', raised, scrub) ?? []).toString()
    expect(said).not.toContain('7811')
    expect(said).toContain('CP0001')
    const own = but({ F: 'numutils.c', C: '22P02' })
    expect(Buffer.from(scrubFields('error', own, scrub) ?? []).toString()).toContain('C22P02')
  })

  test.each([
    ['it comes at run time, as of a cast to regclass', { P: undefined, F: 'namespace.c' }],
    ['it has no place in the client’s text', { P: undefined }],
    ['it comes from inside a function', { W: 'PL/pgSQL function f() line 3 at EXECUTE' }],
    ['it is about a text that a function built', { q: 'select * from "123-45-6789"' }],
    ['another part of the server says it', { F: 'numutils.c' }],
    ['a language says it under that name', { F: 'parse_x.py' }],
  ])('is hidden when %s', (_when, changes) => {
    const said = scrubFields('error', but(changes), scrub)
    expect(Buffer.from(said ?? []).toString()).toContain('hidden')
  })
})
