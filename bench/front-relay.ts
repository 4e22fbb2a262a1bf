// A process of its own for bench/front.ts: the HTTP front and the client towards upstreams, with a path and method rule between.
//   node bench/front-relay.ts UPSTREAM_PORT    prints its own port

import { listen } from '#transport'
import { relay, serveHttp, Upstream } from '#transport/http'

const upstream = new Upstream({ host: '127.0.0.1', port: Number(process.argv[2]), version: '1.1' })
const methods = new Set(['GET', 'HEAD'])

const listener = await listen({
  host: '127.0.0.1',
  port: 0,
  maxConnections: 10_000,
  onConnection: socket => {
    serveHttp(socket, {
      onExchange: async exchange => {
        const { method, target } = exchange.request
        if (!methods.has(method) || !target.path.startsWith('/'))
          throw new Error('not what is measured')
        await relay(exchange, upstream, { authority: 'bench.test' })
      },
    })
  },
})
console.log(listener.port)
