// Servers that a gateway logs in to: MySQL 8.4 and 9 as they are, and whoever sits in their place and is not. Nobody
// gets the password who could not have it, nothing hangs or grows, and what is refused is refused for a reason.
import { generateKeyPairSync } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isGatewayError, Secret } from '#model'
import { mysqlSettings } from '../../src/protocols/mysql/settings.ts'
import { type LoginAccess, logIn, sayGoodbye } from '../../src/protocols/mysql/upstream.ts'
import { type MariadbServer, startMariadb } from '../servers/mariadb.ts'
import { framed } from '../servers/mysql-packets.ts'
import {
  columnPacket,
  errorPacket,
  greeting,
  okPacket,
  type Side,
  type StandIn,
  type StandInOptions,
  startStandIn,
} from '../servers/mysql-stand-in.ts'

const PASSWORD = 'a password that nobody else may hear'
const accounts = {
  cached: { password: PASSWORD },
  native: { password: PASSWORD, plugin: 'mysql_native_password' },
  clear: { password: PASSWORD, plugin: 'mysql_clear_password' },
} as const
const request = { database: 'app', programName: 'sallyport:ana:s1', capabilities: 0 }

let behind: MariadbServer
const running: StandIn[] = []
beforeAll(async () => {
  behind = await startMariadb()
})
afterAll(() => behind?.stop())
afterEach(async () => {
  await Promise.all(running.splice(0).map(each => each.stop()))
})

async function standIn(options: Partial<StandInOptions> = {}): Promise<StandIn> {
  const made = await startStandIn({ behind, accounts, ...options })
  running.push(made)
  return made
}

function access(port: number, upstream: object, user = 'cached', password = PASSWORD): LoginAccess {
  return {
    resource: {
      name: 'shop',
      upstream: mysqlSettings.parse({ host: '127.0.0.1', port, ...upstream }),
      connector: 'none',
    } as never,
    signal: new AbortController().signal,
    dial: (host, at) =>
      new Promise<Socket>((resolve, reject) => {
        const socket = connect(at, host, () => resolve(socket))
        socket.on('error', reject)
      }),
    credential: async () => ({ user, secrets: { password: new Secret(password) }, release() {} }),
  }
}

async function login(
  port: number,
  upstream: object,
  user?: string,
  password?: string,
): Promise<string> {
  const made = logIn(access(port, upstream, user, password), request, { upstreamLoginMs: 1_500 })
  return made.then(
    ({ socket, flavour, version }) => {
      sayGoodbye(socket)
      return `${flavour} ${version}`
    },
    (error: unknown) => {
      // Anything else is a bug of ours.
      if (!isGatewayError(error)) throw error
      return `refused: ${error.message}`
    },
  )
}

describe('MySQL 8.4 and 9', () => {
  test.each([
    ['8.4.3', 80403],
    ['9.1.0', 90100],
  ] as const)(
    '%s: the password goes over TLS once, and is proven without it from then on',
    async (version, number) => {
      const server = await standIn({ version })
      const tls = { tls: 'verify-ca', ca: `file:${server.ca}` }
      for (let time = 0; time < 2; time++) {
        expect(await login(server.port, tls)).toBe(`mysql ${number}`)
      }
      server.forget()
      expect(await login(server.port, tls)).toBe(`mysql ${number}`)
      expect(server.logins).toEqual(['full over TLS', 'fast', 'full over TLS'])
      for (const bytes of server.clear) expect(bytes.includes(PASSWORD)).toBe(false)
    },
  )

  test.each(['native', 'clear'] as const)(
    'an account that asks for another plugin: %s',
    async user => {
      const server = await standIn()
      expect(await login(server.port, { tls: 'verify-ca', ca: `file:${server.ca}` }, user)).toMatch(
        'mysql',
      )
      expect(server.logins).toHaveLength(1)
    },
  )

  test('without TLS the key that the operator gave seals the password, and no other does', async () => {
    const server = await standIn({ tls: false })
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
    const pem = other.export({ type: 'spki', format: 'pem' }).toString()
    expect(await login(server.port, { tls: 'disable', serverKey: pem })).toMatch('refused')
    expect(await login(server.port, { tls: 'disable', serverKey: server.rsaKey })).toMatch('mysql')
    expect(await login(server.port, { tls: 'disable' })).toMatch('mysql')
    expect(server.logins).toEqual(['refused', 'full by RSA', 'fast'])
    server.forget()
    expect(await login(server.port, { tls: 'disable' })).toMatch(/not secured/)
  })

  test('a wrong password is refused', async () => {
    const server = await standIn()
    const tls = { tls: 'verify-ca', ca: `file:${server.ca}` }
    expect(await login(server.port, tls, 'cached', 'another')).toMatch('refused the gateway')
    expect(await login(server.port, tls, 'nobody')).toMatch('refused')
  })

  test('a server without TLS, or with another certificate, gets nothing', async () => {
    const bare = await standIn({ tls: false })
    expect(await login(bare.port, { tls: 'require' })).toMatch('refused')
    expect(bare.logins).toEqual([])
    const covered = await standIn()
    expect(await login(covered.port, { tls: 'verify-full' })).toMatch('refused')
    expect(covered.logins).toEqual([])
  })
})

const text = (body: string) => Buffer.from(body, 'latin1')
const FLAGS_OF_MYSQL = 0xdfff_ffff & ~(1 << 11)
const hello = (side: Side, flags = FLAGS_OF_MYSQL, version = '9.1.0') =>
  greeting(version, 7, side.nonce, flags, 'caching_sha2_password')

/** Greets, and hears the login packet. */
async function heard(side: Side): Promise<void> {
  side.greet()
  await side.packets.read()
}

/** Lets anybody in, and hears the first command. */
async function inside(side: Side): Promise<void> {
  await heard(side)
  side.flags = 1 << 23
  side.packets.write(okPacket(side.flags))
  await side.packets.read()
}

const greetings: Readonly<Record<string, (side: Side) => void>> = {
  'nothing at all': () => {},
  'an empty packet': side => side.packets.write(Buffer.alloc(0)),
  'another protocol': side =>
    side.packets.write(Buffer.concat([Buffer.from([9]), hello(side).subarray(1)])),
  'a version that does not end': side => side.packets.write(text(`\x0a${'9'.repeat(40)}`)),
  'a version of 60 kB': side => side.packets.write(hello(side, FLAGS_OF_MYSQL, 'x'.repeat(60_000))),
  'a packet of 300 kB': side => side.packets.write(Buffer.alloc(300_000, 10)),
  'a length of 16 MB that never comes': side =>
    side.packets.socket.write(text('\xfe\xff\xff\x00\x0a9')),
  'another number': side => side.packets.write(hello(side), 7),
  'a nonce that is cut': side => side.packets.write(hello(side).subarray(0, 36)),
  'no plugins': side => side.packets.write(hello(side, FLAGS_OF_MYSQL & ~(1 << 19))),
  'an old protocol': side => side.packets.write(hello(side, 0x000f)),
  'an error without an end': side => side.packets.write(text('\xff')),
  'an error of 60 kB': side => side.packets.write(errorPacket(1040, '08004', 'x'.repeat(60_000))),
  HTTP: side => void side.packets.socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'two greetings': side => {
    side.greet()
    side.greet()
  },
  'bytes one by one': side => {
    const bytes = framed(hello(side), 0)
    let at = 0
    const timer = setInterval(() => {
      side.packets.socket.write(bytes.subarray(at, ++at))
      if (at > 40) clearInterval(timer)
    }, 60)
    side.packets.socket.on('close', () => clearInterval(timer))
  },
}

const answers: Readonly<Record<string, (side: Side) => void | Promise<void>>> = {
  'the password in the clear': side => side.packets.write(text('\xfemysql_clear_password\0')),
  'the password in the clear, by a dialog': side =>
    side.packets.write(text('\xfedialog\0\x02Password: ')),
  'sha256 in the clear': side =>
    side.packets.write(text(`\xfesha256_password\0${'n'.repeat(20)}\0`)),
  'the proof of 1998': side => side.packets.write(text('\xfe')),
  'a plugin that nobody knows': side =>
    side.packets.write(text('\xfeauthentication_kerberos_client\0x')),
  'a plugin without a nonce': side => side.packets.write(text('\xfemysql_native_password\0')),
  'a plugin named by 60 kB': side => side.packets.write(text(`\xfe${'p'.repeat(60_000)}\0`)),
  'the whole password': side => side.packets.write(Buffer.from([1, 4])),
  'the whole password, and a key of its own': async side => {
    side.packets.write(Buffer.from([1, 4]))
    await side.packets.read()
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    side.packets.write(text(`\x01${publicKey.export({ type: 'spki', format: 'pem' }).toString()}`))
    await side.packets.read()
  },
  'a key that nobody asked for': side =>
    side.packets.write(text('\x01-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')),
  'one proof after another': async side => {
    for (let turn = 0; turn < 100; turn++) {
      side.packets.write(text(`\xfemysql_native_password\0${'n'.repeat(20)}\0`))
      await side.packets.read()
    }
  },
  'more of a proof, without an end': side => {
    for (let turn = 0; turn < 100; turn++) side.packets.write(Buffer.from([1, 3]))
  },
  'another factor': side => side.packets.write(text('\x02authentication_webauthn_client\0x')),
  'a file of ours': side => side.packets.write(text('\xfb/etc/passwd')),
  'a result': side => side.packets.write(Buffer.from([1])),
  'an OK of a byte': side => side.packets.write(Buffer.from([0])),
  'an OK with a length of eight bytes': side =>
    side.packets.write(text('\0\xfe\xff\xff\xff\xff\xff\xff\xff\xff\xff')),
  'a packet of another number': side => side.packets.write(okPacket(0), 9),
  'a packet that never ends': side => {
    const timer = setInterval(() => side.packets.socket.write(Buffer.alloc(100_000)), 5)
    side.packets.socket.write(text('\xff\xff\xff\x02'))
    side.packets.socket.on('close', () => clearInterval(timer))
  },
  'an error that names the password': side =>
    side.packets.write(errorPacket(1045, '28000', `no, not ${PASSWORD}`)),
  'its leaving': side => void side.packets.socket.destroy(),
  silence: () => {},
}

const first: Readonly<Record<string, (side: Side) => void>> = {
  'a file of ours': side => side.packets.write(text('\xfb/etc/passwd')),
  'columns without an end': side => {
    side.packets.write(text('\xfe\xff\xff\xff\xff\xff\xff\xff\x7f'))
    const timer = setInterval(() => side.packets.write(columnPacket('x')), 1)
    side.packets.socket.on('close', () => clearInterval(timer))
  },
  'rows without an end': side => {
    side.packets.write(Buffer.from([1]))
    side.packets.write(columnPacket('x'))
    const timer = setInterval(() => {
      for (let i = 0; i < 50; i++) side.packets.write(text(`\xfd\x00\x10\x00${'r'.repeat(4096)}`))
    }, 1)
    side.packets.socket.on('close', () => clearInterval(timer))
  },
  'a row that is longer than it says': side => {
    side.packets.write(Buffer.from([1]))
    side.packets.write(columnPacket('x'))
    side.packets.write(text('\x01aaaaaa'))
  },
  'a cell that is longer than its row': side => {
    side.packets.write(Buffer.from([1]))
    side.packets.write(columnPacket('x'))
    side.packets.write(text('\xfd\xff\xff\xffa'))
  },
  'a column that is cut': side => {
    side.packets.write(Buffer.from([1]))
    side.packets.write(columnPacket('x').subarray(0, 12))
  },
  'no columns': side => side.packets.write(Buffer.from([0xfe])),
  'an error in the middle of rows': side => {
    side.packets.write(Buffer.from([1]))
    side.packets.write(columnPacket('x'))
    side.packets.write(text('\x01a'))
    side.packets.write(errorPacket(1317, '70100', 'interrupted'))
  },
  'OK to everything': side => {
    side.packets.write(okPacket(side.flags))
    side.packets.read().then(
      () => side.packets.write(okPacket(side.flags)),
      () => {}, // it left, as it should
    )
  },
  'another number': side => side.packets.write(okPacket(side.flags), 42),
  silence: () => {},
}

async function hostile(script: (side: Side) => Promise<void> | void): Promise<void> {
  const sides: Side[] = []
  const server = await standIn({
    tls: false,
    async login(side) {
      sides.push(side)
      await script(side)
      await new Promise(resolve => side.packets.socket.on('close', resolve))
      return true
    },
  })
  const before = process.memoryUsage.rss()
  expect(await login(server.port, { tls: 'disable' })).toMatch(/^refused: /)
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 1024 * 1024)
  for (const side of sides) {
    const bytes = Buffer.concat(side.packets.received)
    expect(bytes.includes(PASSWORD)).toBe(false)
    expect(bytes.includes('root:')).toBe(false)
  }
}

describe.concurrent('a server in whose place somebody else sits', () => {
  test.each(Object.entries(greetings))('greets with %s', (_, script) => hostile(script))
  test.each(Object.entries(answers))('answers the login with %s', (_, script) =>
    hostile(async side => {
      await heard(side)
      await script(side)
    }),
  )
  test.each(Object.entries(first))('answers the first question with %s', (_, script) =>
    hostile(async side => {
      await inside(side)
      script(side)
    }),
  )
})
