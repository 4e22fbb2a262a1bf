import { expect, it } from 'vitest'
import { changesOf, untold } from './changes.ts'

const deployment = (image: string, replicas: number, more: object = {}) => ({
  metadata: { name: 'web', resourceVersion: String(replicas), managedFields: [replicas] },
  spec: {
    replicas,
    containers: [
      { name: 'web', image },
      { name: 'side', image: 'side:1' },
    ],
    ...more,
  },
})

it('tells what comes, goes and changes, by its path', () => {
  const before = deployment('web:1', 2, { paused: true })
  const after = deployment('web:2', 5, { strategy: { type: 'Recreate' }, 'a.b/c': null })
  expect(changesOf(before, after).lines).toEqual([
    '~ spec.replicas: 2 → 5',
    '~ spec.containers[web].image: "web:1" → "web:2"',
    '- spec.paused: true',
    '+ spec.strategy.type: "Recreate"',
    '+ spec["a.b/c"]: null',
  ])
})

it('knows elements by their names, wherever they stand', () => {
  const before = {
    list: [
      { name: 'a', v: 1 },
      { name: 'b', v: 1 },
    ],
  }
  const after = {
    list: [
      { name: 'b', v: 2 },
      { name: 'c', v: 1 },
    ],
  }
  expect(changesOf(before, after).lines).toEqual([
    '- list[a].name: "a"',
    '- list[a].v: 1',
    '~ list[b].v: 1 → 2',
    '+ list[c].name: "c"',
    '+ list[c].v: 1',
  ])
  expect(changesOf({ list: [1, 2] }, { list: [1, 3, 4] }).lines).toEqual([
    '~ list[1]: 2 → 3',
    '+ list[2]: 4',
  ])
})

it('tells a new object and one that goes by their leaves, and hides what is hidden', () => {
  const secret = { kind: 'Secret', data: { password: 'aHVudGVyMg==' } }
  const hides = (path: string) => path.startsWith('data')
  expect(changesOf(undefined, secret, hides).lines).toEqual([
    '+ kind: "Secret"',
    '+ data.password: [hidden]',
  ])
  expect(changesOf(secret, undefined, hides).lines.join()).not.toContain('aHV')
  const other = { ...secret, data: { password: 'other' } }
  expect(changesOf(secret, other, hides).lines).toEqual(['~ data.password: [hidden] → [hidden]'])
})

it('tells so much and no more, whatever the keys are called', () => {
  const many = Object.fromEntries(
    Array.from({ length: 600 }, (_, at) => [`k${at}`, 'x'.repeat(1_000)]),
  )
  const { lines, more } = changesOf({}, many)
  expect([lines.length, more]).toEqual([500, 100])
  expect(lines[0]!.length).toBeLessThan(250)
  const odd = JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}') as object
  expect(changesOf({}, odd).lines).toEqual(['+ __proto__.a: 1', '+ constructor: 2'])
})

it('tells that a hidden value changes, and not what it is', () => {
  const before = {
    mail: 'a@b.example',
    same: 'c@d.example',
    list: [{ name: 'e@f.example' }],
    free: 1,
  }
  const after = { mail: 'x@y.example', same: 'c@d.example', list: [{ name: 'no more' }], free: 2 }
  const masked = { mail: '*', same: '*', list: [{ name: '*' }] }
  const changes = changesOf(
    untold(before, { ...masked, free: 1 }),
    untold(after, { ...masked, list: after.list, free: 2 }),
  )
  expect(changes.lines).toEqual([
    '~ mail: [hidden] → [hidden]',
    '~ list[0].name: [hidden] → "no more"',
    '~ free: 1 → 2',
  ])
  // A twin that has another shape tells nothing of its own.
  expect(changesOf({}, untold({ a: { b: 'secret' } }, { a: { c: '*' } })).lines).toEqual([
    '+ a: [hidden]',
  ])
})
