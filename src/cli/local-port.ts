// A port of this machine that leads to a resource, through the gateway, without a password.
import { createServer, type Socket } from 'node:net'
import { paths } from '#contract'
import { InvalidRequest } from '#model'
import type { GatewayClient } from './gateway-client.ts'
import type { Invocation } from './invocation.ts'
import { reportError } from './report.ts'

export interface LocalPort {
  readonly port: number
  /** Ends what runs through it. */
  close(): void
}

/** Listens on loopback only: whoever can reach the port is the user of this machine. */
export function openLocalPort(
  client: GatewayClient,
  resource: string,
  port: number,
  { output }: Invocation,
): Promise<LocalPort> {
  const open = new Set<Socket>()
  const server = createServer({ pauseOnConnect: true }, local => {
    open.add(local)
    local.on('error', () => local.destroy())
    local.once('close', () => open.delete(local))
    client.tunnel(paths.tunnel.replace(':resource', resource)).then(
      remote => {
        remote.on('error', () => local.destroy())
        remote.once('close', () => local.destroy())
        local.once('close', () => remote.destroy())
        local.pipe(remote).pipe(local)
      },
      error => {
        reportError(output, error)
        local.destroy()
      },
    )
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program listens there' : error.code
      reject(
        new InvalidRequest('request_invalid', `Port ${port} cannot be opened: ${why}.`, {
          cause: error,
        }),
      )
    })
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      if (typeof address !== 'object' || address === null) return reject(new Error('no port'))
      resolve({
        port: address.port,
        close: () => {
          server.close()
          for (const socket of open) socket.destroy()
        },
      })
    })
  })
}
