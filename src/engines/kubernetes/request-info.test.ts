import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InvalidRequest } from '#model'
import { fc } from '../../../test/property.ts'
import { type RequestInfo, requestInfo } from './request-info.ts'

const rows = readFileSync(join(import.meta.dirname, 'request-info.rows.txt'), 'utf8')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'))
  .map(line => line.split(' > ') as [string, string])

function of(asked: string): RequestInfo {
  const [, method = '', path = '', query] = /^(\S+) ([^?]*)(?:\?(.*))?$/.exec(asked) ?? []
  return requestInfo(method, path, query)
}

function inWords(asked: string): string {
  try {
    const { isResource, verb, group, version, resource, subresource, namespace, name } = of(asked)
    if (!isResource) return `${verb} url`
    const api = group === '' ? version : `${group}/${version}`
    const what = subresource === '' ? resource : `${resource}/${subresource}`
    return `${verb} ${api} ${what} ${namespace || '-'} ${name || '-'}`
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidRequest)
    return 'refused'
  }
}

describe('a request to a cluster', () => {
  it('is what an API server takes it for, or refused', () => {
    expect(rows.length).toBeGreaterThan(300)
    expect(new Set(rows.map(([asked]) => asked)).size).toBe(rows.length)
    expect(rows.map(([asked]) => `${asked} > ${inWords(asked)}`)).toEqual(
      rows.map(row => row.join(' > ')),
    )
  })

  const word = fc.constantFrom(
    ...'api apis v1 apps namespaces default pods watch proxy status exec web-1 .. . %2e %2F %25 ; %00 %zz é'.split(
      ' ',
    ),
    '',
  )
  const pair = fc
    .tuple(
      fc.constantFrom('watch', 'fieldSelector', 'labelSelector', 'limit', 'dryRun', 'command', ''),
      fc.oneof(
        fc.constantFrom(
          'true',
          '1',
          'no',
          '',
          'metadata.name=a',
          'a in (b,c),!d',
          'a=b',
          '%',
          '%ff',
        ),
        fc.string(),
      ),
    )
    .map(([name, value]) => `${name}=${value}`)
  const method = fc.constantFrom(
    'GET',
    'HEAD',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'get',
    '__proto__',
  )
  const target = fc.tuple(
    fc.oneof(
      fc.array(word).map(words => `/${words.join('/')}`),
      fc.string(),
    ),
    fc.option(
      fc.oneof(
        fc.array(pair).map(pairs => pairs.join('&')),
        fc.string(),
      ),
      {
        nil: undefined,
      },
    ),
  )

  it('is refused by InvalidRequest and nothing else', () => {
    fc.assert(
      fc.property(method, target, (asked, [path, query]) => {
        try {
          requestInfo(asked, path, query)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidRequest)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('is the same however its letters are escaped', () => {
    const plain = rows.filter(([asked, said]) => said !== 'refused' && !asked.includes('%'))
    fc.assert(
      fc.property(fc.constantFrom(...plain), fc.nat(), ([asked, said], which) => {
        const [, before = '', path = '', after = ''] = /^(\S+ )([^?]*)(.*)$/.exec(asked) ?? []
        const at = which % path.length
        const character = path[at]!
        if (!/[A-Za-z0-9-]/.test(character)) return
        const escaped = `%${character.charCodeAt(0).toString(16)}`
        const same = `${before}${path.slice(0, at)}${escaped}${path.slice(at + 1)}${after}`
        expect(inWords(same)).toBe(said)
        expect(of(same).path).toBe(of(asked).path)
      }),
      { numRuns: 500 },
    )
  })

  it('is read in time that grows with its length alone', () => {
    const long = 'a'.repeat(60_000)
    const started = process.cpuUsage().user
    for (const query of [
      `labelSelector=${long}`,
      `labelSelector=a+in+(${'+'.repeat(60_000)}`,
      `labelSelector=${'a,'.repeat(30_000)}`,
      `labelSelector=a+in+(${'a,'.repeat(30_000)}`,
      `labelSelector=${'a.'.repeat(30_000)}/`,
      `fieldSelector=${'\\'.repeat(60_000)}`,
      `fieldSelector=${'a=,'.repeat(20_000)}`,
      'command&'.repeat(30_000),
    ])
      try {
        requestInfo('GET', '/api/v1/pods', query)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidRequest)
      }
    expect((process.cpuUsage().user - started) / 1000).toBeLessThan(1_000)
  })
})
