import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DeliveryFailed } from './channel.ts'
import { json, NOW, never, type OtherSide, otherSide } from './channels.testing.ts'

const resolved = vi.hoisted(() => ({ addresses: undefined as string[] | undefined, asked: 0 }))
vi.mock('node:dns/promises', async original => {
  const real = await original<typeof import('node:dns/promises')>()
  return {
    ...real,
    lookup: async (name: string, options: { all: true }) => {
      resolved.asked += 1
      if (resolved.addresses === undefined) return real.lookup(name, options)
      return resolved.addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    },
  }
})
const { targetOf } = await import('./addresses.ts')
const { post, waitOf } = await import('./post.ts')

let side: OtherSide
beforeEach(async () => {
  resolved.addresses = undefined
  resolved.asked = 0
  side = await otherSide(json({ ok: true }))
})
afterEach(() => side.close())

const options = {
  headers: { 'content-type': 'application/json' },
  body: '{"a":"ü"}',
  allowPrivate: false,
  ca: undefined,
  signal: never,
  now: () => NOW,
}
const call = (path = '/x', more = {}) =>
  post(new URL(`${side.url}${path}`), { ...options, ...more })
async function failure(promise: Promise<unknown>): Promise<DeliveryFailed> {
  const found = await promise.then(
    () => undefined,
    error => error,
  )
  if (found instanceof DeliveryFailed) return found
  throw new Error(`not a failure of delivery: ${String(found)}`)
}

describe('a guarded post', () => {
  it('sends the body as it is and gives the answer', async () => {
    expect(await call('/in?x=1')).toMatchObject({ status: 200, text: '{"ok":true}' })
    expect(side.heard).toMatchObject([
      { method: 'POST', path: '/in?x=1', text: '{"a":"ü"}', headers: { 'content-length': '10' } },
    ])
  })

  it('follows no redirect', async () => {
    const other = await otherSide(json({}))
    side.answer = (_heard, response) => response.writeHead(307, { location: other.url }).end()
    const error = await failure(call())
    expect(error.message).toBe('answered 307: redirects are not followed')
    expect(error.final).toBe(false)
    expect(other.heard).toEqual([])
    await other.close()
  })

  it('hears how long it shall wait, in seconds or as a date, a day at most', async () => {
    side.answer = json({}, 429, { 'retry-after': '30' })
    expect(await failure(call())).toMatchObject({
      message: 'answered 429',
      final: false,
      retryAfterMs: 30_000,
    })
    side.answer = json({}, 503, { 'retry-after': new Date(NOW + 90_000).toUTCString() })
    expect(await failure(call())).toMatchObject({ retryAfterMs: 90_000 })
    expect(waitOf('99999999', NOW)).toBe(86_400_000)
    expect(waitOf('-5', NOW)).toBeDefined()
    expect(waitOf('soon', NOW)).toBeUndefined()
  })

  it('tells what can never arrive from what may', async () => {
    for (const [status, final] of [
      [500, false],
      [502, false],
      [401, false],
      [403, false],
      [404, false],
      [408, false],
      [400, true],
      [410, true],
      [413, true],
    ] as const) {
      side.answer = json({}, status)
      expect(await failure(call()), String(status)).toMatchObject({ final })
    }
  })

  it('gives up on a side that is slow, also in the middle of its answer', async () => {
    side.answer = () => {}
    expect((await failure(call('/', { timeoutMs: 100 }))).message).toMatch('did not answer in time')
    side.answer = (_heard, response) => {
      response.writeHead(200)
      response.write('{')
    }
    expect((await failure(call('/', { timeoutMs: 100 }))).message).toMatch('did not answer in time')
  })

  it('reads no answer that is too long', async () => {
    side.answer = (_heard, response) => {
      response.writeHead(200)
      const more = (): void => {
        while (response.write('x'.repeat(16_384)) && !response.destroyed);
        response.once('drain', more)
      }
      response.on('error', () => {})
      more()
    }
    expect((await failure(call())).message).toBe('the answer is too long to be read')
  })

  it('says that nobody is there, without the path', async () => {
    await side.close()
    const error = await failure(call('/secret-path'))
    expect(error.message).toBe('127.0.0.1 cannot be reached (ECONNREFUSED)')
    expect(error.final).toBe(false)
  })

  it('goes where the name was looked up, once, and sends the name', async () => {
    resolved.addresses = ['127.0.0.1']
    const url = new URL(side.url)
    url.hostname = 'localhost'
    await post(url, options)
    expect(resolved.asked).toBe(1)
    expect(side.heard[0]?.headers.host).toBe(url.host)
  })

  it('does not speak plain http beyond this machine', async () => {
    resolved.addresses = ['93.184.216.34']
    expect((await failure(post(new URL('http://hooks.example.com/'), options))).message).toBe(
      'plain http is used on loopback only',
    )
  })
})

describe('where a channel may lead', () => {
  const leads = async (addresses: string[], allowPrivate = false) => {
    resolved.addresses = addresses
    return targetOf('hooks.example.com', allowPrivate).then(
      ({ address }) => address,
      () => 'refused',
    )
  }

  it('is a public address', async () => {
    expect(await leads(['93.184.216.34'])).toBe('93.184.216.34')
    expect(await leads(['2606:2800:21f:cb07::1'])).toBe('2606:2800:21f:cb07::1')
  })

  it('is never this machine, the cloud’s own address or a range without owner, whatever is allowed', async () => {
    for (const address of [
      '127.0.0.1',
      '127.8.8.8',
      '0.0.0.0',
      '169.254.169.254',
      '168.63.129.16',
      '100.100.100.200',
      'fd00:ec2::254',
      '192.0.2.1',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      'fe80::1%eth0',
      'ff02::1',
      '2002:7f00:1::',
      '64:ff9b::7f00:1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
      '::ffff:a9fe:a9fe',
      '::7f00:1',
    ]) {
      expect(await leads([address]), address).toBe('refused')
      expect(await leads([address], true), address).toBe('refused')
    }
  })

  it('is a private address with allowPrivate alone', async () => {
    for (const address of [
      '10.1.2.3',
      '100.64.0.1',
      '172.16.0.1',
      '192.168.1.1',
      'fd00::1',
      '::ffff:10.0.0.1',
    ]) {
      expect(await leads([address]), address).toBe('refused')
      expect(await leads([address], true), address).toBe(address)
    }
  })

  it('is refused when one of several addresses is', async () => {
    expect(await leads(['93.184.216.34', '10.0.0.1'])).toBe('refused')
    expect(await leads(['93.184.216.34', '127.0.0.1'], true)).toBe('refused')
    expect(await leads([])).toBe('refused')
  })

  it('is this machine where it is written so, and then nothing else', async () => {
    expect(await targetOf('127.0.0.1', false)).toEqual({ address: '127.0.0.1', family: 4 })
    expect(await targetOf('[::1]', false)).toEqual({ address: '::1', family: 6 })
    resolved.addresses = ['10.0.0.1']
    await expect(targetOf('localhost', true)).rejects.toThrow('not public')
  })
})
