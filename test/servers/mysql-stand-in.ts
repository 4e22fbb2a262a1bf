// Stands in for MySQL 8.4 and 9, which no package of Debian brings: their greeting, their capabilities and their logins
// (caching_sha2_password fast, in full and by RSA, native, clear text; TLS), written after the manual, in front
// of a real MariaDB that answers the commands. A script can take the server's place at any point and be hostile.
import { generateKeyPairSync, privateDecrypt, randomInt, constants as rsa } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import type { MariadbServer } from './mariadb.ts'
import { openMysql, scramble } from './mysql-client.ts'
import { Fields, FLAGS, lenenc, lenencText, Packets } from './mysql-packets.ts'

export type Plugin = 'caching_sha2_password' | 'mysql_native_password' | 'mysql_clear_password'

export interface Account {
  readonly password: string
  /** Default: caching_sha2_password. */
  readonly plugin?: Plugin
}

export interface StandInOptions {
  readonly behind: MariadbServer
  /** Default: 9.1.0. */
  readonly version?: string
  readonly accounts: Readonly<Record<string, Account>>
  /** Default: true. */
  readonly tls?: boolean
  /** The plugin that the greeting names. Default: caching_sha2_password. */
  readonly greets?: Plugin
  /** Takes the place of the whole login. False: the usual one goes on. */
  readonly login?: (side: Side) => Promise<boolean>
  /** It offers to load files of its clients. Default: false. */
  readonly localFiles?: boolean
  /** Looks at each command first. True: it has answered, the real server is not asked. */
  readonly command?: (side: Side, body: Buffer) => boolean | Promise<boolean>
  /** What the gateway gets in place of these bytes of the real server's answers. */
  readonly tamper?: (bytes: Buffer) => Buffer
}

export interface Side {
  readonly packets: Packets
  readonly nonce: Buffer
  /** Capabilities that both have. */
  flags: number
  tls: boolean
  greet(plugin?: string): void
  ok(): void
  error(code: number, state: string, text: string): void
}

export interface StandIn {
  readonly port: number
  /** The certificate, as a path. */
  readonly ca: string
  /** The public key of the RSA exchange, as PEM. */
  readonly rsaKey: string
  /** How each login went: `fast`, `full over TLS`, `full by RSA`, `native`, ... */
  readonly logins: string[]
  /** The first bytes of each command that came, as text. */
  readonly commands: string[]
  /** What came before TLS, of each connection. */
  readonly clear: Buffer[]
  /** Forgets who has logged in: the next login of each is a full one. */
  forget(): void
  stop(): Promise<void>
}

const CAPABILITIES =
  0xffff_ffff &
  ~FLAGS.compress &
  ~FLAGS.localFiles &
  ~FLAGS.optionalMetadata &
  ~(1 << 26) &
  ~(1 << 30)

const AUTO_COMMIT = 2

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const rsaKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const cached = new Set<string>()
  const sockets = new Set<Socket>()
  const state = { logins: [] as string[], commands: [] as string[], clear: [] as Buffer[] }
  let connections = 70
  const folder = options.behind.folder
  const context = {
    cert: readFileSync(join(folder, 'server.crt')),
    key: readFileSync(join(folder, 'server.key')),
  }

  async function serve(socket: Socket): Promise<void> {
    const packets = new Packets(socket)
    state.clear.push(Buffer.alloc(0))
    const at = state.clear.length - 1
    const nonce = Buffer.from(Array.from({ length: 20 }, () => randomInt(33, 126)))
    const has = options.localFiles === true ? CAPABILITIES | FLAGS.localFiles : CAPABILITIES
    const offered = options.tls === false ? has & ~FLAGS.tls : has
    const side: Side = {
      packets,
      nonce,
      flags: 0,
      tls: false,
      greet(plugin = options.greets ?? 'caching_sha2_password') {
        packets.write(
          greeting(options.version ?? '9.1.0', connections++, nonce, offered, plugin),
          0,
        )
      },
      ok() {
        packets.write(okPacket(side.flags))
      },
      error(code, sqlState, text) {
        packets.write(errorPacket(code, sqlState, text))
      },
    }
    if ((await options.login?.(side)) === true) return
    side.greet()
    let { body } = await packets.read()
    side.flags = (body.readUInt32LE(0) & offered) >>> 0
    if ((side.flags & FLAGS.tls) !== 0) {
      state.clear[at] = Buffer.concat(packets.received)
      packets.upgrade(plain => new TLSSocket(plain as Socket, { isServer: true, ...context }))
      side.tls = true
      body = (await packets.read()).body
    }
    const login = loginOf(body, side.flags)
    const account = options.accounts[login.user]
    const how = account && (await proven(side, login, account))
    state.logins.push(how || 'refused')
    if (!how) {
      side.error(
        1045,
        '28000',
        `Access denied for user '${login.user}'@'127.0.0.1' (using password: YES)`,
      )
      packets.socket.end()
      return
    }
    await relay(side, login.database)
  }

  /** How it was proven; false: it was not. */
  async function proven(side: Side, login: LoginPacket, account: Account): Promise<string | false> {
    const { packets } = side
    const plugin = account.plugin ?? 'caching_sha2_password'
    let { proof } = login
    let { nonce } = side
    if (login.plugin !== plugin) {
      nonce = Buffer.from(Array.from({ length: 20 }, () => randomInt(33, 126)))
      packets.write(
        Buffer.concat([Buffer.from([0xfe]), Buffer.from(`${plugin}\0`), nonce, Buffer.from([0])]),
      )
      proof = (await packets.read()).body
    }
    const right = scramble(plugin, account.password, nonce)
    if (plugin === 'mysql_native_password') return proof.equals(right) && 'native'
    if (plugin === 'mysql_clear_password') return proof.equals(right) && 'clear text'
    if (cached.has(login.user)) {
      if (!proof.equals(right)) return false
      packets.write(Buffer.from([1, 3]))
      return 'fast'
    }
    // Nothing is kept of the password that a scramble could be held against: it has to come whole.
    packets.write(Buffer.from([1, 4]))
    const { body } = await packets.read()
    if (side.tls) {
      if (body.at(-1) !== 0 || body.toString('utf8', 0, body.length - 1) !== account.password)
        return false
      cached.add(login.user)
      return 'full over TLS'
    }
    // Who has the key already does not ask for it.
    if (body.length !== 1) return sealed(body, account, nonce, login.user)
    if (body[0] !== 2) return false
    side.packets.write(Buffer.concat([Buffer.from([1]), Buffer.from(rsaKey)]))
    return sealed((await side.packets.read()).body, account, nonce, login.user)
  }

  function sealed(body: Buffer, account: Account, nonce: Buffer, user: string): string | false {
    const padding = rsa.RSA_PKCS1_OAEP_PADDING
    let clear: Buffer
    try {
      clear = privateDecrypt({ key: keys.privateKey, padding, oaepHash: 'sha1' }, body)
    } catch {
      return false // not encrypted for this key: a wrong password
    }
    for (let i = 0; i < clear.length; i++) clear[i] = (clear[i] ?? 0) ^ (nonce[i % 20] ?? 0)
    if (clear.toString('utf8') !== `${account.password}\0`) return false
    cached.add(user)
    return 'full by RSA'
  }

  /** Commands go to the real server and its answers come back as they are. */
  async function relay(side: Side, database: string): Promise<void> {
    const { behind } = options
    const flags = side.flags & (FLAGS.multiStatements | FLAGS.deprecateEof | FLAGS.sessionTrack)
    const real = await openMysql({
      port: behind.port,
      user: behind.user,
      password: behind.password,
      tls: false,
      flags,
      ...(database === '' ? {} : { database }),
    })
    side.ok()
    const onward = real.packets.socket
    onward.removeAllListeners('data')
    const { tamper = (bytes: Buffer) => bytes } = options
    onward.on('data', (bytes: Buffer) => side.packets.socket.write(tamper(bytes)))
    onward.on('close', () => side.packets.socket.destroy())
    side.packets.socket.on('close', () => onward.destroy())
    for (;;) {
      const { body } = await side.packets.read()
      state.commands.push(body.toString('latin1', 1, 2000))
      if ((await options.command?.(side, body)) === true) continue
      real.packets.command(withoutAttributes(body, side.flags))
    }
  }

  const server = createServer(socket => {
    sockets.add(socket.setNoDelay(true))
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    // A connection that breaks off is the end of that connection.
    serve(socket).catch(() => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    ca: join(folder, 'server.crt'),
    rsaKey,
    ...state,
    forget: () => cached.clear(),
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

interface LoginPacket {
  readonly user: string
  readonly proof: Buffer
  readonly database: string
  readonly plugin: string
}

function loginOf(body: Buffer, flags: number): LoginPacket {
  const fields = new Fields(body, 32)
  const user = fields.text()
  const proof =
    (flags & FLAGS.lenencAuth) !== 0 ? fields.bytesOfLenenc() : fields.take(fields.number(1))
  const database = (flags & FLAGS.connectWithDatabase) !== 0 ? fields.text() : ''
  return { user, proof, database, plugin: (flags & FLAGS.pluginAuth) !== 0 ? fields.text() : '' }
}

export function greeting(
  version: string,
  connectionId: number,
  nonce: Buffer,
  flags: number,
  plugin: string,
): Buffer {
  const id = Buffer.alloc(4)
  id.writeUInt32LE(connectionId)
  const capabilities = Buffer.alloc(4)
  capabilities.writeUInt32LE(flags >>> 0)
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from(`${version}\0`),
    id,
    nonce.subarray(0, 8),
    Buffer.from([0]),
    capabilities.subarray(0, 2),
    Buffer.from([255, AUTO_COMMIT, 0]),
    capabilities.subarray(2),
    Buffer.from([21]),
    Buffer.alloc(10),
    nonce.subarray(8),
    Buffer.from([0]),
    Buffer.from(`${plugin}\0`),
  ])
}

export function okPacket(flags: number): Buffer {
  const head = Buffer.from([0, 0, 0, AUTO_COMMIT, 0, 0, 0])
  return (flags & FLAGS.sessionTrack) !== 0 ? Buffer.concat([head, lenenc(0)]) : head
}

export function errorPacket(code: number, state: string, text: string): Buffer {
  const head = Buffer.from([0xff, code & 0xff, code >> 8])
  return Buffer.concat([head, Buffer.from(`#${state}${text}`)])
}

/** The definition of a column of text. */
export function columnPacket(name: string, table = ''): Buffer {
  const words = ['def', 'app', table, table, name, name].map(word => lenencText(word))
  return Buffer.concat([...words, Buffer.from([0x0c, 45, 0, 0, 4, 0, 0, 0xfd, 0, 0, 0, 0, 0])])
}

/** MariaDB knows no query attributes: what has none goes on without their header and without names. */
function withoutAttributes(body: Buffer, flags: number): Buffer {
  if ((flags & FLAGS.queryAttributes) === 0) return body
  const fields = new Fields(body, 1)
  if (body[0] === 3) {
    if (fields.lenenc() !== 0) throw new Error('query attributes were sent')
    fields.lenenc()
    return Buffer.concat([Buffer.from([3]), fields.rest])
  }
  if (body[0] !== 0x17 || body.length <= 10) return body
  const head = Buffer.from(fields.take(9))
  head[4] = (head[4] ?? 0) & ~8
  const count = fields.lenenc()
  const parts: Buffer[] = [Buffer.from([0x17]), head]
  if (count > 0) {
    const nulls = fields.take((count + 7) >> 3)
    const bound = fields.take(1)
    parts.push(nulls, bound)
    for (let i = 0; bound[0] === 1 && i < count; i++) {
      parts.push(fields.take(2))
      if (fields.bytesOfLenenc().length > 0) throw new Error('a query attribute was sent')
    }
  }
  return Buffer.concat([...parts, fields.rest])
}
