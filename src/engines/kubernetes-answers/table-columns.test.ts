import { expect, it } from 'vitest'
import { tableRule } from './table-columns.ts'

const of = (text: string) => {
  const [resource = '', ...group] = text.split('.')
  return { resource, group: group.join('.') }
}

it('asks for all tables where nothing is hidden by the name of its field', () => {
  expect(tableRule([{ keys: [] }, {}])).toBeUndefined()
})

it('asks for no table that shows a field which a class hides', () => {
  const others = tableRule([{ keys: ['owner_name'] }, { pointers: ['/items/*/spec/tax'] }])!
  for (const kind of ['pods', 'secrets', 'configmaps', 'ingresses.networking.k8s.io', 'events'])
    expect(others(of(kind)), kind).toBe(true)
  // Labels stand in their columns, whatever they are called.
  for (const kind of ['services', 'deployments.apps', 'jobs.batch', 'things.example.com'])
    expect(others(of(kind)), kind).toBe(false)
  for (const each of [
    { keys: ['podIP'] },
    { keys: ['pod_ip'] },
    { keys: ['*IP'] },
    { keys: ['Image'] },
    { pointers: ['/items/*/status/podIP'] },
    { pointers: ['/items/*/spec/*'] },
    { pointers: [''] },
  ])
    for (const kind of ['pods', 'secrets', 'services'])
      expect(tableRule([each])!(of(kind)), JSON.stringify(each)).toBe(false)
})
