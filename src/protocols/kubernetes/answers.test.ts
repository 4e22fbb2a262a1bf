import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { requestInfo } from '#engines/kubernetes'
import { secretClass, tableRule } from '#engines/kubernetes-answers'
import type { Permit } from '#gateway'
import type { AccessDenied } from '#model'
import { Body, Fields, type RequestHead } from '#transport/http'
import { isPlainJson, readAnswer, readable } from './answers.ts'

const info = (path: string, method = 'GET') =>
  requestInfo(method, ...(path.split('?') as [string, string?]))
const SECRETS = '/api/v1/namespaces/default/secrets'
const LOG = '/api/v1/namespaces/default/pods/web/log'

/** Every column is hidden, and nothing else. */
const permit = {
  masks: true,
  hiddenColumns: [secretClass],
  hidden: () => ({ kind: 'null', dataClass: 'kubernetes-secret' }),
  body: () => undefined,
} as unknown as Permit

function answered(
  path: string,
  contentType: string | undefined,
  status = 200,
  coding?: string,
  upgrade?: string,
) {
  const fields = [
    ...(contentType === undefined ? [] : (['content-type', contentType] as const)),
    ...(coding === undefined ? [] : (['content-encoding', coding] as const)),
  ]
  const head = { status, fields: new Fields(fields as string[]), body: { kind: 'stream' } } as never
  const request = { upgrade } as RequestHead
  return readAnswer({ permit, request, head, body: Body.empty() }, info(path))
}
const refusal = (read: () => unknown): string | undefined => {
  try {
    read()
    return undefined
  } catch (error) {
    return (error as AccessDenied).code
  }
}

describe('answers of a cluster', () => {
  it('are read as objects when they are JSON', () => {
    const { masker } = answered(`${SECRETS}/db`, 'application/json')
    const out = masker!.write(Buffer.from('{"kind":"Secret","data":{"a":"eA=="}}'))
    expect(Buffer.concat(out).toString()).toBe('{"kind":"Secret","data":{"a":null}}')
    for (const type of ['application/json;stream=watch', 'application/json; charset=utf-8'])
      expect(answered(SECRETS, type).masker).toBeDefined()
  })

  it('are words where a connection was not upgraded, though nothing says so', () => {
    const exec = '/api/v1/namespaces/default/pods/web/exec?command=ls'
    expect(refusal(() => answered(exec, undefined, 400, undefined, 'websocket'))).toBeUndefined()
    expect(refusal(() => answered(exec, undefined, 200, undefined, 'websocket'))).toBe(
      'answer_unreadable',
    )
    expect(refusal(() => answered(SECRETS, undefined, 400))).toBe('answer_unreadable')
  })

  it('are refused where objects may stand that nobody here can read', () => {
    for (const type of [
      undefined,
      'application/vnd.kubernetes.protobuf',
      'application/cbor',
      'application/yaml',
      'text/plain',
      'application/jsonx',
    ])
      expect(refusal(() => answered(SECRETS, type))).toBe('answer_unreadable')
    expect(refusal(() => answered(SECRETS, 'application/json', 206))).toBe('answer_unreadable')
    expect(refusal(() => answered(SECRETS, 'application/json', 200, 'odd'))).toBe(
      'answer_unreadable',
    )
  })

  it('take a line of JSON at their end only when they are JSON that nobody has to decode', () => {
    const isPlain = (...flat: string[]) =>
      isPlainJson({ status: 200, fields: new Fields(flat), body: { kind: 'stream' } })
    expect(isPlain('content-type', 'application/json')).toBe(true)
    expect(isPlain('content-type', 'application/json;stream=watch')).toBe(true)
    expect(isPlain('content-type', 'application/vnd.kubernetes.protobuf;stream=watch')).toBe(false)
    expect(isPlain('content-type', 'application/json', 'content-encoding', 'gzip')).toBe(false)
    expect(isPlain('content-type', 'application/json', 'content-encoding', 'odd')).toBe(false)
    expect(isPlain()).toBe(false)
  })

  it('may say in a text why there are none', () => {
    expect(refusal(() => answered(SECRETS, 'text/plain; charset=utf-8', 404))).toBeUndefined()
    expect(refusal(() => answered(SECRETS, 'application/cbor', 404))).toBe('answer_unreadable')
  })

  it('are texts when they are logs, and schemas whatever they are', () => {
    expect(refusal(() => answered(LOG, 'text/plain'))).toBeUndefined()
    expect(
      refusal(() =>
        answered('/openapi/v2', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'),
      ),
    ).toBeUndefined()
  })
})

describe('what is asked of the cluster', () => {
  const accept = (path: string, value?: string, byField = false) =>
    readable(
      new Fields(value === undefined ? [] : ['accept', value]),
      info(path),
      tableRule(byField ? [{ keys: ['owner_name'] }] : []),
    ).all('accept')

  it('is JSON where there are objects, whatever the client would like', () => {
    expect(accept(SECRETS, 'application/vnd.kubernetes.protobuf,application/json')).toEqual([
      'application/json',
    ])
    expect(accept(SECRETS)).toEqual(['application/json'])
    expect(accept(`${SECRETS}?watch=1`, 'application/cbor-seq')).toEqual(['application/json'])
  })

  it('is no table of a custom resource where fields are hidden by their names: its columns are made of fields', () => {
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const both = `${table}, application/json`
    const widgets = '/apis/example.com/v1/namespaces/default/widgets'
    expect(accept(widgets, both, true)).toEqual(['application/json'])
    expect(accept(widgets, both)).toEqual([both])
    expect(accept('/api/v1/pods', both, true)).toEqual([both])
    expect(accept('/apis/apps/v1/deployments', both, true)).toEqual(['application/json'])
  })

  it('is what the client asks for where there are none', () => {
    expect(accept(LOG, 'application/json, */*')).toEqual(['application/json, */*'])
    expect(accept('/openapi/v2', 'application/x-protobuf')).toEqual(['application/x-protobuf'])
    expect(accept('/metrics', 'text/plain')).toEqual(['text/plain'])
  })
})
