import { expect, it } from 'vitest'
import { AccessDenied, AuthenticationFailed, UpstreamError } from '#model'
import { NAMING } from './cluster-path.ts'
import { denial } from './denial.ts'

it('is a Status whose message says all there is to do', () => {
  const { head, body } = denial(
    new AccessDenied('approval_pending', 'nobody has said yes so far', {
      hint: 'Ask the group dba.',
      requestId: 'req-1',
      retryBefore: Date.UTC(2026, 0, 1),
    }),
  )
  expect(head.status).toBe(403)
  expect(JSON.parse(body)).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message:
      'nobody has said yes so far. Ask the group dba. request req-1. repeat the identical request before 2026-01-01T00:00:00.000Z.',
    reason: 'Forbidden',
    details: { causes: [{ reason: 'approval_pending', message: 'nobody has said yes so far' }] },
    code: 403,
  })
})

it('says nothing twice', () => {
  const { body } = denial(
    new AccessDenied('approval_required', 'deletes need a person', {
      detail: 'request: req-1',
      hint: 'Once it is approved, retry the identical statement before 2026-01-01 00:00:00 UTC.',
      requestId: 'req-1',
      retryBefore: Date.UTC(2026, 0, 1),
    }),
  )
  expect(JSON.parse(body).message).toBe(
    'deletes need a person. request: req-1. Once it is approved, retry the identical statement before 2026-01-01 00:00:00 UTC.',
  )
})

it('asks for a token where there is none that holds', () => {
  const { head } = denial(new AuthenticationFailed('token_expired', 'it has ended'))
  expect(head.status).toBe(401)
  expect(head.fields.get('www-authenticate')).toContain('Bearer')
})

it('says of a bug of ours that it is one, and nothing of what it was', () => {
  const { head, body } = denial(new TypeError('secret detail'))
  expect(head.status).toBe(500)
  expect(body).not.toContain('secret')
})

const head = (path: string) => ({ target: { path } }) as never
const unknown = new AccessDenied('resource_unknown', 'There is no resource "prod".')

it('is plain words where clients show nothing else: of what APIs there are', () => {
  const forbidden = new AccessDenied('no_permit', 'that is not permitted')
  for (const path of ['/prod/api', '/prod/apis', '/prod/apis/apps/v1', '/prod/openapi/v2']) {
    const { head: told, body } = denial(forbidden, head(path))
    expect(told.status).toBe(403)
    expect(told.fields.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(body).toBe('that is not permitted.\n')
    // Of a 404 they show nothing at all.
    expect(denial(unknown, head(path))).toMatchObject({
      head: { status: 403 },
      body: 'There is no resource "prod".\n',
    })
  }
  for (const path of ['/prod/api/v1/pods', '/prod/apis/apps/v1/namespaces/shop/deployments/web'])
    expect(JSON.parse(denial(unknown, head(path)).body)).toMatchObject({ code: 404 })
  const ended = new AuthenticationFailed('token_expired', 'the token has expired')
  expect(JSON.parse(denial(ended, head('/prod/api')).body)).toMatchObject({ code: 401 })
})

it('says how a resource is named where a cluster’s own path was asked for', () => {
  expect(denial(unknown, head('/api/v1/pods')).body).toContain('get --raw takes all of it')
  expect(denial(unknown, head('/prod/version')).body).not.toContain('--raw')
  // On a connection that is to one resource it is said already.
  const other = new AccessDenied('resource_unknown', 'to prod alone', { hint: NAMING })
  expect(denial(other, head('/version')).body).toBe(`to prod alone. ${NAMING}\n`)
})

it('says of what APIs there are why it cannot be told, where clients show that', () => {
  const lost = new UpstreamError('upstream_unreachable', 'the resource cannot be reached')
  const { head: told, body } = denial(lost, head('/prod/api'))
  expect(told.status).toBe(502)
  expect(told.fields.get('content-type')).toContain('text/plain')
  expect(body).toBe('the resource cannot be reached.\n')
  const object = denial(lost, head('/prod/api/v1/namespaces/shop/pods/web-1'))
  expect(object.head.status).toBe(502)
  expect(JSON.parse(object.body).message).toBe('the resource cannot be reached.')
})
