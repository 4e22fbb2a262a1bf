import { expect, it } from 'vitest'
import { pathThere, resourceOf } from './cluster-path.ts'

const at = (path: string) => ({ target: { path, query: undefined } })

it('names the resource by its first segment', () => {
  expect(resourceOf(at('/cluster/api/v1/pods'))).toBe('cluster')
  expect(resourceOf(at('/cluster'))).toBe('cluster')
  for (const path of ['/', '*', '/Cluster/api', '/-x/api', '/%63luster/api'])
    expect(resourceOf(at(path)), path).toBeUndefined()
})

it('leaves the rest to the API server', () => {
  expect(pathThere(at('/cluster/api/v1/pods'), 'cluster')).toBe('/api/v1/pods')
  expect(pathThere(at('/cluster'), 'cluster')).toBe('/')
})

it('does not lead to another resource than the one that was opened', () => {
  expect(() => pathThere(at('/other/api'), 'cluster')).toThrow('no other')
  expect(() => pathThere(at('/cluster-2/api'), 'cluster')).toThrow('no other')
})
