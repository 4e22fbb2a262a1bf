import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { requestInfo } from '#engines/kubernetes'
import { hiddenUses } from './hidden-uses.ts'
import { readStatement } from './statement.ts'

const JSON_PATCH = 'application/json-patch+json'
const TEST = '[{"op":"test","path":"/data/password","value":"eA=="}]'

function uses(path: string, type: string, text: string, method = 'PATCH') {
  const bytes = Buffer.from(text)
  const asked = { method, path, query: undefined, type, upgrade: undefined }
  const body = { kind: 'none' } as const
  return hiddenUses(
    requestInfo(method, path),
    readStatement({ ...asked, body, bytes }),
    type,
    bytes,
  )
}

describe('what a request makes of hidden values', () => {
  it('is a question when a patch of a Secret or a ConfigMap tests one', () => {
    for (const resource of ['secrets', 'configmaps'])
      expect(uses(`/api/v1/namespaces/default/${resource}/db`, JSON_PATCH, TEST).lineage).toEqual([
        {
          outputs: [],
          transfers: [],
          probes: [
            {
              columns: [{ object: `${resource}/default/db`, column: 'password' }],
              use: 'test',
            },
          ],
        },
      ])
  })

  it('is a question also of what another group calls a Secret', () => {
    const path = '/apis/vault.example.com/v1/namespaces/default/secrets/db'
    expect(uses(path, JSON_PATCH, TEST).lineage?.[0]?.probes).toEqual([
      {
        columns: [{ object: 'secrets.vault.example.com/default/db', column: 'password' }],
        use: 'test',
      },
    ])
  })

  it('is nothing when a patch asks of other things, or only says what shall be', () => {
    const replicas = '[{"op":"test","path":"/spec/replicas","value":3}]'
    const deployment = '/apis/apps/v1/namespaces/default/deployments/web'
    expect(uses(deployment, JSON_PATCH, replicas).lineage).toBeUndefined()
    const merge = uses(
      '/api/v1/namespaces/default/secrets/db',
      'application/merge-patch+json',
      '{}',
    )
    expect(merge.lineage).toBeUndefined()
  })

  it('is what it would store, values in base64 as what they stand for', () => {
    const body = `{"kind":"Secret","apiVersion":"v1","data":{"a":"${Buffer.from('of another Secret').toString('base64')}"}}`
    const { stored } = uses('/api/v1/namespaces/default/secrets', 'application/json', body, 'POST')
    const texts = [...stored!()].map(each => Buffer.from(each).toString())
    expect(texts).toContain('of another Secret')
  })
})
