import { expect, it } from 'vitest'
import { readRequest } from './statement.ts'

const PODS = '/api/v1/namespaces/default/pods'

function askedOf(method: string, query: string | undefined, body?: object) {
  const { statement } = readRequest({
    method,
    path: body === undefined ? PODS : `${PODS}/web`,
    query,
    type: body === undefined ? undefined : 'application/json-patch+json',
    body:
      body === undefined
        ? { kind: 'none' }
        : { kind: 'whole', bytes: Buffer.from(JSON.stringify(body)) },
  })
  return (statement.fieldsAsked ?? []).map(({ way, use, values }) =>
    [way.join('.'), use, ...values].join(' '),
  )
}
const labels = (text: string) => askedOf('GET', `labelSelector=${encodeURIComponent(text)}`)
const fields = (text: string) => askedOf('DELETE', `fieldSelector=${encodeURIComponent(text)}`)

it('are those that selectors compare', () => {
  expect(labels('a=1,b==2,c!=3,d in (4, 5),e notin (6),f>7,example.com/g.h=i,j=')).toEqual([
    'metadata.labels.a equality 1',
    'metadata.labels.b equality 2',
    'metadata.labels.c condition',
    'metadata.labels.d equality 4 5',
    'metadata.labels.e condition',
    'metadata.labels.f condition',
    'metadata.labels.example.com/g.h equality i',
    'metadata.labels.j equality ',
  ])
  expect(labels('in in (in),notin=x')).toEqual([
    'metadata.labels.in equality in',
    'metadata.labels.notin equality x',
  ])
  expect(labels('a,!b')).toEqual([])
  expect(fields('metadata.name=web,metadata.namespace=x')).toEqual([])
  expect(fields('spec.owner=ann,status.podIP!=10.0.0.7')).toEqual([
    'spec.owner equality ann',
    'status.podIP condition',
  ])
  expect(askedOf('GET', undefined)).toEqual([])
})

it('are those that a JSON patch tests', () => {
  const patch = [
    { op: 'test', path: '/spec/owners/0/full~1name', value: 'ann' },
    { op: 'test', path: '/metadata/name', value: 'web' },
    { op: 'add', path: '/spec/x', value: 1 },
    { op: 'test', path: '/metadata', value: { name: 'web', labels: { a: '1', b: ['2'] } } },
    { op: 'test', path: '/spec/y', value: {} },
  ]
  expect(askedOf('PATCH', undefined, patch)).toEqual([
    'spec.owners.0.full/name test',
    'metadata.labels.a test',
    'metadata.labels.b.0 test',
    'spec.y test',
  ])
  const many = Array.from({ length: 201 }, (_, i) => ({ op: 'test', path: `/spec/${i}`, value: 1 }))
  expect(() => askedOf('PATCH', undefined, many)).toThrow('at most')
})
