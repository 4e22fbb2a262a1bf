import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { patchUses } from './patch-uses.ts'

const OBJECT = 'secrets/default/db'
const uses = (...operations: unknown[]) =>
  patchUses(Buffer.from(JSON.stringify(operations)), OBJECT)
const key = (column: string) => ({ object: OBJECT, column })
const NOTHING = { lineage: [], mayDeriveFrom: [] }
const ANYTHING = {
  lineage: [{ outputs: [], probes: 'unknown', asking: 'test', transfers: 'unknown' }],
  mayDeriveFrom: 'all',
}

describe('what a JSON patch asks of values that it does not bring', () => {
  it('is nothing for what it brings, takes away, or asks of names', () => {
    const harmless = [
      { op: 'add', path: '/data/a', value: 'eA==' },
      { op: 'replace', path: '/data/a', value: '' },
      { op: 'remove', path: '/data/a' },
      { op: 'test', path: '/metadata/resourceVersion', value: '7' },
    ]
    expect(uses(...harmless)).toEqual(NOTHING)
  })

  it('is a question when it tests a value', () => {
    expect(uses({ op: 'test', path: '/data/a~1b', value: 'eA==' }).lineage).toEqual([
      { outputs: [], transfers: [], probes: [{ columns: [key('a/b')], use: 'test' }] },
    ])
  })

  it('may be of anything when it names more than one value, or what may hold some', () => {
    for (const from of [
      '',
      '/',
      '/data',
      '/metadata',
      '/metadata/annotations',
      '/metadata/annotations/a',
      '/metadata/managedFields',
      '/data/a/b',
      '/Data/a',
    ])
      expect(uses({ op: 'test', path: from })).toEqual(ANYTHING)
  })

  it('may be anything when it cannot be read', () => {
    for (const odd of [
      { op: 'merge' },
      { op: 'test' },
      { op: 'copy', path: '/a' },
      { op: 'add', Op: 'copy', path: '/a', from: '/data/a' },
      7,
      null,
    ])
      expect(uses(odd)).toEqual(ANYTHING)
    for (const text of ['', '{}', '{"data":{}}', '[', '- op: test'])
      expect(patchUses(Buffer.from(text), OBJECT)).toEqual(ANYTHING)
  })
})
