// The demo's HTTP service: invoices that nobody has to pay, for whoever holds its key. Clients of the gateway do not.
import { once } from 'node:events'
import { createServer } from 'node:http'

export interface Api {
  readonly url: string
  readonly key: string
  stop(): void
}

const INVOICE = {
  id: 7,
  customer: 'Ivo Fuchs',
  email: 'ivo.fuchs@example.org',
  card: '4111 1111 1111 1111',
  total: 129.5,
  paid: true,
}

export async function startApi(): Promise<Api> {
  const key = 'the-key-of-the-billing-service'
  const server = createServer((request, response) => {
    const known = request.headers['x-api-key'] === key
    response.writeHead(known ? 200 : 401, { 'content-type': 'application/json' })
    response.end(`${JSON.stringify(known ? INVOICE : { error: 'no key' }, undefined, 2)}\n`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const stop = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}`, key, stop }
}
