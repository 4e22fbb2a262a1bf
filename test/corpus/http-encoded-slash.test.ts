// What `%2F` is used for against gateways: paths that one reader cuts where another does not. Where a resource takes it, it stays a part of one
// segment in what is judged and in what is forwarded, and a reader that decodes it first finds neither dots nor empty segments.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpStatement, RouteTable } from '#engines/http'
import { type Exchange, Fields } from '#transport/http'
import { type Front, RawClient, startFront } from '../../src/transport/http/raw.testing.ts'
import { fc } from '../property.ts'

let front: Front
let strict: Front
beforeAll(async () => {
  const tell = (exchange: Exchange) =>
    exchange.answer({
      status: 200,
      fields: Fields.of(['x-path', exchange.request.target.path]),
      body: { kind: 'none' },
    })
  front = await startFront(tell, { limits: { encodedSlash: true } })
  strict = await startFront(tell)
})
afterAll(() => Promise.all([front.close(), strict.close()]))

/** The judged path, or the rule that refuses it. */
async function judged(path: string, { port } = front): Promise<string> {
  const client = new RawClient(port)
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  const heard = await client.end()
  return /\r\nx-path: (\S+)/i.exec(heard)?.[1] ?? /"rule":"([a-z_]+)"/.exec(heard)?.[1] ?? heard
}

describe('an escaped slash', () => {
  it('is refused where nobody asked for it', async () => {
    expect(await judged('/projects/group%2Ftools', strict)).toBe('target_encoded_separator')
  })

  it('stays what it is, in one spelling', async () => {
    expect(await judged('/projects/group%2ftools/x')).toBe('/projects/group%2Ftools/x')
    expect(await judged('/projects/a%2Fb%2Fc')).toBe('/projects/a%2Fb%2Fc')
  })

  it.each([
    ['/open/..%2Fclosed', 'target_dot_segment'],
    ['/open/x%2F..%2Fclosed', 'target_dot_segment'],
    ['/open/x%2f%2e%2e%2fclosed', 'target_dot_segment'],
    ['/open/.%2Fclosed', 'target_dot_segment'],
    ['/open%2F..', 'target_dot_segment'],
    ['/open%2F..;/closed', 'target_dot_segment'],
    ['/open%2F..%3Bx%2Fclosed', 'target_dot_segment'],
    ['/%2Fclosed', 'target_empty_segment'],
    ['/open%2F', 'target_empty_segment'],
    ['/open%2F%2Fclosed', 'target_empty_segment'],
    ['/open%2F;x', 'target_empty_segment'],
    ['/%2F', 'target_empty_segment'],
    ['/open%252Fclosed', 'target_encoded_separator'],
    ['/open%25252Fclosed', '/open%25252Fclosed'],
    ['/open%5Cclosed', 'target_encoded_separator'],
    ['/open%2F%5C..', 'target_encoded_separator'],
    ['/open%2F%00', 'target_encoded_separator'],
    ['/open%c0%afclosed', '/open%C0%AFclosed'],
  ])('%s is no way around: %s', async (path, expected) => {
    expect(await judged(path)).toBe(expected)
  })

  it('whatever else is around it, leads nowhere above or beside what is seen', async () => {
    const piece = fc.constantFrom(
      'a',
      '.',
      '..',
      '%2F',
      '%2f',
      '%2e',
      '%2E',
      '%25',
      '2F',
      ';',
      '%3b',
      '/',
      '%5c',
      'b~',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 8 }), async pieces => {
        const path = await judged(`/${pieces.join('')}`)
        if (!path.startsWith('/')) return
        const segments = path.replaceAll('%2F', '/').slice(1).split('/')
        const bare = segments.map(each => each.split(/;|%3B/)[0])
        expect(bare).not.toContain('..')
        expect(bare).not.toContain('.')
        if (path.includes('%2F')) expect(bare.slice(0, -1)).not.toContain('')
      }),
      { numRuns: 300 },
    )
  })

  it('is a part of one value where a route has it, and of no path that none has', () => {
    const route = { method: 'GET', action: 'read', kind: 'route' } as const
    const routes = new RouteTable([
      { ...route, template: '/projects/{id}', name: 'project' },
      { ...route, template: '/projects/{id}/{what}', name: 'part' },
    ])
    const ask = (path: string, unknown: 'path' | 'refuse' = 'path') =>
      httpStatement(
        { method: 'GET', path, query: undefined, fields: [], body: { kind: 'none' } },
        { routes, unknown },
      )
    const { operations, named, text } = ask('/projects/group%2Fclosed')
    expect(operations[0]!.object.name).toBe('project')
    expect(named?.texts.get('{id}')).toEqual(['group/closed'])
    expect(text).toBe('GET /projects/group%2Fclosed')
    expect(ask('/projects/group/closed').operations[0]!.object.name).toBe('part')
    expect(() => ask('/others/group%2Fclosed')).toThrow('%2F')
  })
})
