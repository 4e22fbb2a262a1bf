import { describe, expect, it } from 'vitest'
import { type Field, Fields, type RequestHead, type ResponseHead } from '#transport/http'
import { requestFields, requestTrailers, responseFields } from './fields.ts'
import { proofOf } from './login.ts'

const head = (fields: readonly Field[], more: Partial<RequestHead> = {}): RequestHead => ({
  version: '1.1',
  method: 'GET',
  target: { path: '/', query: undefined },
  host: { name: 'gateway.example', port: undefined },
  fields: Fields.of(...fields),
  body: { kind: 'none' },
  expectContinue: false,
  upgrade: undefined,
  close: false,
  ...more,
})
const place = { resource: 'billing', principal: 'user:ana', path: '/' }
const sent = (fields: readonly Field[], parts: object = {}) =>
  Object.fromEntries(
    requestFields(head(fields), {
      carrier: 'authorization',
      injected: [['x-api-key', 'theirs']],
      plain: false,
      place,
      by: { for: '192.0.2.7', proto: 'https', host: 'gateway.example' },
      ...parts,
    }),
  )
const way = { origin: 'https://billing.internal', basePath: '/api', ownPath: '' }
const answered = (fields: readonly Field[], parts: object = {}) => {
  const answer: ResponseHead = { status: 200, fields: Fields.of(...fields), body: { kind: 'none' } }
  return Object.fromEntries(
    responseFields(answer, {
      masked: false,
      hidden: false,
      tagged: undefined,
      contentType: undefined,
      own: 'https://gateway.example:18443',
      way,
      challenges: false,
      scrub: value => value,
      ...parts,
    }),
  )
}

describe('fields of a request', () => {
  it('go on without what is ours, what is claimed, and what the credential replaces', () => {
    const fields = sent([
      ['authorization', 'Bearer ours'],
      ['sallyport-resource', 'billing'],
      ['x-api-key', 'the client’s'],
      ['x-forwarded-for', '6.6.6.6'],
      ['x-remote-user', 'root'],
      ['impersonate-user', 'root'],
      ['x-original-url', '/admin'],
      ['connection', 'x-hop'],
      ['x-hop', '1'],
      ['prefer', 'wait=10'],
      ['x-tenant', 'acme'],
    ])
    expect(fields).toMatchObject({
      'x-api-key': 'theirs',
      'x-forwarded-for': '192.0.2.7',
      'x-tenant': 'acme',
    })
    for (const gone of [
      'authorization',
      'sallyport-resource',
      'x-remote-user',
      'impersonate-user',
      'x-original-url',
      'x-hop',
      'prefer',
    ])
      expect(fields[gone], gone).toBeUndefined()
  })

  it('say nothing of who asks that only a proxy may say, and of no other address', () => {
    const claims = [
      ...['remote-user', 'x-remote-groups', 'x-ssl-client-verify', 'ssl-client-s-dn'],
      ...['x-auth-request-user', 'x-authenticated-userid', 'x-user-roles', 'x-webauth-user'],
      ...['x-authentik-username', 'x-pomerium-claim-email', 'x-vouch-user', 'x-consumer-username'],
      ...['x-ms-client-principal', 'x-ms-client-principal-id', 'x-amzn-oidc-data', 'client-cert'],
      ...['x-goog-iap-jwt-assertion', 'x-goog-authenticated-user-email', 'tailscale-user-login'],
      ...['cf-access-authenticated-user-email', 'x-client-certificate', 'x-original-host'],
      ...['x_webauth_user', 'x-rewrite-url', 'x-tls-client-subject', 'x-arr-clientcert'],
    ]
    for (const name of claims) expect(sent([[name, 'root']])[name], name).toBeUndefined()
    for (const name of ['x-email', 'x-web', 'x-client-id', 'x-tenant', 'client-certificate'])
      expect(sent([[name, 'acme']])[name], name).toBe('acme')
  })

  it('keep the client’s Authorization when the proof came in a field of ours', () => {
    const fields = sent(
      [
        ['authorization', 'Bearer theirs'],
        ['sallyport-authorization', 'Bearer ours'],
      ],
      {
        carrier: 'sallyport-authorization',
      },
    )
    expect(fields['authorization']).toBe('Bearer theirs')
    expect(JSON.stringify(fields)).not.toContain('ours')
  })

  it('tell the service what a client prefers, and not how long it waits for a person', () => {
    const prefer = (value: string) => sent([['prefer', value]])['prefer']
    expect(prefer('wait=10')).toBeUndefined()
    expect(prefer('return=minimal')).toBe('return=minimal')
    expect(prefer('return=minimal, Wait = 10,note="a, wait=1"')).toBe(
      'return=minimal, note="a, wait=1"',
    )
  })

  it('ask for nothing that could not be read', () => {
    const fields = sent(
      [
        ['range', 'bytes=0-1'],
        ['accept-encoding', 'br'],
      ],
      { plain: true },
    )
    expect(fields['range']).toBeUndefined()
    expect(fields['accept-encoding']).toBe('identity')
  })
})

describe('fields behind the body of a request', () => {
  it('bring nothing that would not go on in its head', () => {
    const trailers = [
      ['x-api-key', 'the client’s'],
      ['X_Api_Key', 'the client’s'],
      ['impersonate-user', 'root'],
      ['remote-user', 'root'],
      ['sallyport-reason', 'x'],
      ['client-ip', '6.6.6.6'],
      ['via', '1.1 elsewhere'],
      ['grpc-status', '0'],
    ] as const
    expect([
      ...requestTrailers(Fields.of(...trailers), {
        carrier: 'authorization',
        injected: [['x-api-key', 'theirs']],
      }),
    ]).toEqual([['grpc-status', '0']])
  })
})

describe('fields of an answer', () => {
  it('lead to us and not around us', () => {
    const location = (value: string) => answered([['location', value]])['location']
    expect(location('https://billing.internal/api/x?y#z')).toBe(
      'https://gateway.example:18443/x?y#z',
    )
    expect(location('/api/x')).toBe('/x')
    expect(location('/api')).toBe('/')
    expect(location('x/y')).toBe('x/y')
    const below = { way: { ...way, ownPath: '/cluster' } }
    expect(answered([['location', '/api/x']], below)['location']).toBe('/cluster/x')
    expect(answered([['location', 'https://billing.internal/api']], below)['location']).toBe(
      'https://gateway.example:18443/cluster/',
    )
    expect(location('//billing.internal/api/x')).toBe('https://gateway.example:18443/x')
    for (const elsewhere of [
      'https://billing.internal.evil.example/api/x',
      'https://evil.example/',
      'https://billing.internal:8443/api/x',
      'https://billing.internal/other',
      '/apix',
      '//evil.example/api',
    ])
      expect(location(elsewhere), elsewhere).toBe(elsewhere)
    const fields = answered([
      ['alt-svc', 'h3=":443"'],
      ['set-cookie', 'a=b; Domain=billing.internal; Path=/'],
      ['www-authenticate', 'Basic'],
    ])
    expect(fields).toEqual({ 'set-cookie': 'a=b; Path=/' })
    for (const domain of ['domain =gateway.example', '\t DOMAIN\t = gateway.example', 'Domain='])
      expect(answered([['set-cookie', `a=b;${domain}; Secure`]])).toEqual({
        'set-cookie': 'a=b; Secure',
      })
  })

  it('say nothing that is true of the unmasked bytes alone', () => {
    const fields = answered(
      [
        ['etag', '"a"'],
        ['content-md5', 'x'],
        ['accept-ranges', 'bytes'],
        ['content-type', 'text/csv'],
      ],
      { masked: true },
    )
    expect(fields).toEqual({ 'content-type': 'text/csv' })
  })

  it('seal entity tags where something is masked, and open them again', () => {
    const tagOf = (hidden: boolean, tags: readonly string[] = ['"a"']) =>
      answered(
        tags.map(tag => ['etag', tag] as const),
        { masked: hidden, hidden, tagged: place },
      )['etag'] ?? ''
    for (const hidden of [true, false]) {
      expect(tagOf(hidden)).toMatch(/^"s\./)
      expect(sent([['if-match', tagOf(hidden)]])['if-match']).toBe('"a"')
      // Names that some servers take for the same.
      expect(sent([['if_match', '"a"']], { plain: true })['if_match']).not.toBe('"a"')
    }
    expect(tagOf(true, ['"a"', '"b"'])).toBe('')
    expect(answered([['etag', '"a"']])).toEqual({ etag: '"a"' })
    expect(sent([['if-none-match', '"a"']])['if-none-match']).toBe('"a"')
    expect(sent([['if-none-match', '"a"']], { plain: true })['if-none-match']).not.toBe('"a"')
  })

  it('keep a masked copy out of caches that would show it to others, or when it is no longer masked', () => {
    const fields: Field[] = [
      ['cache-control', 'public, max-age=600'],
      ['expires', 'Sun, 22 Nov 2026 12:00:00 GMT'],
      ['last-modified', 'Sun, 22 Nov 2026 11:00:00 GMT'],
      ['surrogate-control', 'max-age=600'],
      ['cloudflare-cdn-cache-control', 'max-age=600'],
    ]
    expect(answered(fields, { hidden: true })).toEqual({
      'cache-control': 'private, max-age=600',
      expires: 'Sun, 22 Nov 2026 12:00:00 GMT',
    })
    for (const [said, told] of [
      ['s-maxage=9, max-age=1,no-cache', 'private, max-age=1, no-cache'],
      ['Private="x", must-revalidate', 'private, must-revalidate'],
      ['PUBLIC', 'private'],
    ] as const)
      expect(answered([['cache-control', said]], { hidden: true })).toEqual({
        'cache-control': told,
      })
    expect(answered([['cache-control', 'no-store']], { hidden: true })).toEqual({
      'cache-control': 'no-store',
    })
    expect(answered(fields)).toEqual(Object.fromEntries(fields))
  })
})

describe('who asks for what', () => {
  it('is proved once, in a way that can be read', () => {
    expect(proofOf(head([['authorization', 'bearer abc']])).proof).toEqual({
      kind: 'token',
      token: 'abc',
    })
    const basic = `Basic ${Buffer.from('id:se:cret').toString('base64')}`
    expect(proofOf(head([['authorization', basic]])).proof).toEqual({
      kind: 'credential',
      id: 'id',
      secret: 'se:cret',
    })
    expect(() => proofOf(head([]))).toThrow('token')
    for (const wrong of ['abc', 'Digest x', 'Bearer a b', 'Basic !!!', 'Bearer '])
      expect(() => proofOf(head([['authorization', wrong]])), wrong).toThrow()
    expect(() =>
      proofOf(
        head([
          ['authorization', 'Bearer a'],
          ['authorization', 'Bearer b'],
        ]),
      ),
    ).toThrow()
  })

  it('is no page of another origin that rides on what a browser keeps', () => {
    const basic = `Basic ${Buffer.from('id:secret').toString('base64')}`
    const from =
      (site: string, mode: string, method = 'GET') =>
      () =>
        proofOf(
          head(
            [
              ['authorization', basic],
              ['sec-fetch-site', site],
              ['sec-fetch-mode', mode],
            ],
            { method },
          ),
        )
    expect(from('cross-site', 'cors')).toThrow('another origin')
    expect(from('same-site', 'no-cors')).toThrow('another origin')
    expect(from('cross-site', 'navigate', 'POST')).toThrow('another origin')
    expect(from('cross-site', 'navigate')).not.toThrow()
    expect(from('same-origin', 'cors', 'POST')).not.toThrow()
  })
})
