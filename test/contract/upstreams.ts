// What stands behind the gateway when a protocol is put through the contract suite. The one place of the
// suite that knows more than a harness tells: how a server of each kind is started, and how what reaches it is seen.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openServerAuthority } from '#transport'
import { startMariadb } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'
import { startSshd } from '../servers/sshd.ts'

export interface Upstream {
  readonly port: number
  readonly user: string
  /** What the gateway proves itself with. */
  readonly secret: string
  readonly database?: string
  readonly hostKey?: string
  /** Who signs its certificate: PEM. */
  readonly ca?: string
  /** Called with what comes from the gateway, before the server acts on it. */
  onForward: (bytes: Buffer) => void
  stop(): Promise<void>
}

/** Protocol name to the real server behind it, prepared with the harness's `setup`. */
export const upstreams: Readonly<Record<string, (setup: string) => Promise<Upstream>>> = {
  async postgres(setup) {
    const server = await startPostgres({ version: 18, database: 'contract', init: setup })
    const { user, password, database } = server
    const seen = { onForward: (_bytes: Buffer) => {} }
    const tap = await startTap(server.port, bytes => seen.onForward(bytes))
    return Object.assign(seen, {
      port: tap.port,
      user,
      secret: password,
      database,
      async stop() {
        await tap.stop()
        await server.stop()
      },
    })
  },

  async mysql(setup) {
    const server = await startMariadb({ database: 'contract', init: setup })
    const { user, password, database } = server
    const seen = { onForward: (_bytes: Buffer) => {} }
    const tap = await startTap(server.port, bytes => seen.onForward(bytes))
    return Object.assign(seen, {
      port: tap.port,
      user,
      secret: password,
      database,
      async stop() {
        await tap.stop()
        await server.stop()
      },
    })
  },

  // The wire is sealed: the server tells of each command before it runs it.
  async ssh(setup) {
    const seen = { onForward: (_bytes: Buffer) => {} }
    const ear = await listenOnce(bytes => seen.onForward(bytes))
    const server = await startSshd(folder => {
      const home = join(folder, 'home')
      mkdirSync(home)
      execFileSync('sh', ['-c', setup], { cwd: home })
      const script = join(folder, 'tell')
      writeFileSync(
        script,
        `#!/bin/bash
cd ${home}
exec 3<>/dev/tcp/127.0.0.1/${ear.port}
printf '%s\n' "$SSH_ORIGINAL_COMMAND" >&3
read -r -u 3 _
exec 3>&-
eval "$SSH_ORIGINAL_COMMAND"
`,
      )
      chmodSync(script, 0o755)
      return [`ForceCommand ${script}`]
    })
    const { port, user, hostKey, key } = server
    return Object.assign(seen, {
      port,
      user,
      hostKey,
      secret: readFileSync(key, 'utf8'),
      async stop() {
        await server.stop()
        await ear.stop()
      },
    })
  },

  async http(setup) {
    const seen = { onForward: (_bytes: Buffer) => {} }
    const api = await startApi(JSON.parse(setup))
    const tap = await startTap(api.port, bytes => seen.onForward(bytes))
    return Object.assign(seen, {
      port: tap.port,
      user: '',
      secret: 'upstream-secret',
      async stop() {
        await tap.stop()
        await api.stop()
      },
    })
  },

  // Sealed as well: the server tells.
  async kubernetes(setup) {
    const seen = { onForward: (_bytes: Buffer) => {} }
    const cluster = await startCluster(JSON.parse(setup), bytes => seen.onForward(bytes))
    return Object.assign(seen, { ...cluster, user: '', secret: 'upstream-secret' })
  },
}

/** An API server of ConfigMaps, over TLS: it tells of each request before it answers. DELETE is done, and deletes nothing. */
async function startCluster(
  maps: Readonly<Record<string, string>>,
  tell: (bytes: Buffer) => void,
): Promise<Listening & { readonly ca: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cluster-'))
  const authority = await openServerAuthority({ folder, now: Date.now })
  const { certificate: cert, key } = await authority.issueServer(['127.0.0.1'])
  const server = createHttpsServer({ cert, key }, (request, response) => {
    request.resume()
    tell(Buffer.from(`${request.method} ${request.url}\n`))
    const name = request.url?.split('/').at(-1) ?? ''
    const value = maps[name]
    const status = (code: number) => ({ kind: 'Status', apiVersion: 'v1', code })
    const [code, answer] =
      request.headers.authorization !== 'Bearer upstream-secret'
        ? [401, status(401)]
        : value === undefined
          ? [404, status(404)]
          : request.method === 'DELETE'
            ? [200, status(200)]
            : [200, { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name }, data: { value } }]
    response.writeHead(code, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  const { port, stop } = await listening(server, new Set())
  return {
    port,
    ca: authority.certificate,
    async stop() {
      server.closeAllConnections()
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Answers by path with JSON; PUT is done, and says nothing. */
async function startApi(answers: Readonly<Record<string, unknown>>): Promise<Listening> {
  const server = createHttpServer((request, response) => {
    request.resume()
    const answer = answers[request.url ?? '']
    if (request.headers.authorization !== 'Bearer upstream-secret') response.writeHead(401).end()
    else if (request.method === 'PUT') response.writeHead(204).end()
    else if (answer === undefined) response.writeHead(404).end()
    else {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answer))
    }
  })
  return listening(server, new Set())
}

interface Listening {
  readonly port: number
  stop(): Promise<void>
}

/** Hears one line of each that connects, and answers it. */
async function listenOnce(hear: (bytes: Buffer) => void): Promise<Listening> {
  const server = createServer(socket => {
    socket.on('error', () => socket.destroy())
    socket.once('data', bytes => {
      hear(Buffer.from(bytes))
      socket.end('\n')
    })
  })
  return listening(server, new Set())
}

/** A wire-tap between the gateway and its upstream. */
async function startTap(upstream: number, hear: (bytes: Buffer) => void): Promise<Listening> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    const onward = connect(upstream, '127.0.0.1')
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    socket.on('data', bytes => {
      hear(Buffer.from(bytes))
      onward.write(bytes)
    })
    onward.on('data', bytes => socket.write(bytes))
  })
  return listening(server, sockets)
}

async function listening(server: Server, sockets: ReadonlySet<Socket>): Promise<Listening> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
