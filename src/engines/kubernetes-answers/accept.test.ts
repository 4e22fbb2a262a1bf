import { describe, expect, it } from 'vitest'
import { readableRanges } from './accept.ts'

describe('what is asked of a cluster', () => {
  it('is JSON, as a table too, where the client would have taken it', () => {
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    expect(readableRanges([table, 'application/json'], false)).toBe(`${table}, application/json`)
    expect(readableRanges(['application/vnd.kubernetes.protobuf', 'application/json'], false)).toBe(
      'application/json',
    )
  })

  it('is JSON when the client would rather have something else', () => {
    for (const range of [
      'application/vnd.kubernetes.protobuf;as=Table',
      'application/cbor',
      'application/yaml',
      '*/*',
      'application/jsonx',
      'application/*',
    ])
      expect(readableRanges([range], false)).toBe('application/json')
    expect(readableRanges([], false)).toBe('application/json')
  })

  it('is a text where there are no objects', () => {
    expect(readableRanges(['text/plain;version=0.0.4', 'application/openmetrics-text'], true)).toBe(
      'text/plain;version=0.0.4',
    )
    expect(readableRanges(['*/*'], true)).toBe('application/json, text/plain;q=0.9')
  })
})
