import { describe, expect, it } from 'vitest'
import { readableRanges } from './accept.ts'

describe('what is asked of a cluster', () => {
  it('is JSON, as a table too, where the client would have taken it', () => {
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    expect(readableRanges([table, 'application/json'], { texts: false, tables: true })).toBe(
      `${table}, application/json`,
    )
    expect(
      readableRanges(['application/vnd.kubernetes.protobuf', 'application/json'], {
        texts: false,
        tables: true,
      }),
    ).toBe('application/json')
  })

  it('is no table where cells could not be told apart', () => {
    const table = 'application/json; as="Table"; v=v1; g=meta.k8s.io'
    const ask = (...ranges: string[]) => readableRanges(ranges, { texts: false, tables: false })
    expect(ask(table, 'application/json;as=Table;v=v1beta1', 'application/json;q=0.5')).toBe(
      'application/json;q=0.5',
    )
    expect(ask(table)).toBe('application/json')
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
      expect(readableRanges([range], { texts: false, tables: true })).toBe('application/json')
    expect(readableRanges([], { texts: false, tables: true })).toBe('application/json')
  })

  it('is a text where there are no objects', () => {
    expect(
      readableRanges(['text/plain;version=0.0.4', 'application/openmetrics-text'], {
        texts: true,
        tables: true,
      }),
    ).toBe('text/plain;version=0.0.4')
    expect(readableRanges(['*/*'], { texts: true, tables: true })).toBe(
      'application/json, text/plain;q=0.9',
    )
  })
})
