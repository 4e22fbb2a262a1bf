import { describe, expect, it } from 'vitest'
import { secretClass } from '#engines/kubernetes-answers'
import { hidingOf } from './preview-hiding.ts'

const setting = {
  name: 'setting',
  columns: ['configmaps/prod/*.*password*'],
  mask: 'null',
} as const
const at = (resource: string, namespace = 'prod', group = '') => ({
  group,
  resource,
  path: `/api/v1/namespaces/${namespace}/${resource}/app`,
})

describe('what an approver is not told', () => {
  it('is what a Secret holds, and its annotations', () => {
    const hides = hidingOf(at('secrets'), [])!
    const told = [
      'data',
      'data.a',
      'data["a.b"]',
      'stringData.a',
      'metadata.annotations["x"]',
      'type',
    ]
    expect(told.map(hides)).toEqual([true, true, true, true, true, false])
    expect(hidingOf(at('secrets', 'prod', 'vault.example.com'), [])?.('data.a')).toBe(true)
  })

  it('is what a ConfigMap holds under keys that a class lists', () => {
    const hides = hidingOf(at('configmaps'), [secretClass, setting])!
    const told = [
      'data.mode',
      'data.password',
      'data["db.password"]',
      'binaryData.PASSWORD',
      'data',
      'metadata.labels.password',
    ]
    expect(told.map(hides)).toEqual([false, true, true, true, true, false])
    expect(hidingOf(at('configmaps', 'open'), [setting])!('data.password')).toBe(false)
  })

  it('is nothing of other objects, nor of ConfigMaps when no class is there', () => {
    expect(hidingOf(at('configmaps'), [secretClass])).toBeUndefined()
    expect(hidingOf(at('deployments', 'prod', 'apps'), [setting])).toBeUndefined()
  })
})
