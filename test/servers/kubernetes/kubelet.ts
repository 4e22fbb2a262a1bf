// The node of a real API server: what the kubelet answers of containers. The API server asks it for logs and streams.
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Certificates } from './certificates.ts'
import { NODE, type Rest } from './controllers.ts'
import type { Logs } from './logs.ts'
import type { KubeObject } from './objects.ts'
import { serveStreams } from './streams.ts'

export interface Kubelet {
  stop(): Promise<void>
}

export async function startKubelet(
  certificates: Certificates,
  logs: Logs,
  ask: Rest,
): Promise<Kubelet> {
  const { cert, key, ca } = certificates
  const server = createServer(
    {
      cert: readFileSync(cert),
      key: readFileSync(key),
      ca: readFileSync(ca),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'https://node')
      const [, namespace, pod, container] =
        /^\/containerLogs\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? []
      if (container === undefined) {
        response.writeHead(404).end('not found\n')
        return
      }
      logs.answer(`${namespace}/${pod}/${container}`, url.searchParams, response)
    },
  )
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    upgrade(request, socket, head, ask).catch(() => socket.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await ask('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } })
  await ask('PATCH', `/api/v1/nodes/${NODE}/status`, {
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  })
  return {
    async stop() {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

/** The kubelet's path, and what the API server calls it. */
const STREAMS: Readonly<Record<string, string>> = {
  exec: 'exec',
  attach: 'attach',
  portForward: 'portforward',
}

async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, ask: Rest) {
  const url = new URL(request.url ?? '/', 'https://node')
  const [, what = '', namespace, name, container] =
    /^\/(exec|attach|portForward)\/([^/]+)\/([^/]+)(?:\/([^/]+))?$/.exec(url.pathname) ?? []
  const pod = (await ask('GET', `/api/v1/namespaces/${namespace}/pods/${name}`)) as KubeObject
  if (container !== undefined) url.searchParams.set('container', container)
  for (const port of url.searchParams.getAll('port')) url.searchParams.append('ports', port)
  serveStreams(request, socket, head, pod, STREAMS[what] ?? '', url.searchParams)
}
