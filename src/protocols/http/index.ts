// HTTP services: the room's door. What a request means here, and where it goes; all else of a request is the proxy's.
import { httpStatement, readRequestText } from '#engines/http'
import type { Protocol } from '#gateway'
import type { Resource, Statement } from '#model'
import { type Dialect, ReverseProxy } from '#proxy'
import { ServiceAccess } from './access.ts'
import { connectHint, environment, localUrl, toolArguments } from './connect-hint.ts'
import { denial } from './denial.ts'
import { AccessTokens, oauthSettings } from './oauth.ts'
import { checkDocument, Readings } from './reading.ts'
import { resourceOf } from './resource-name.ts'
import { type HttpSettings, httpSettings, oneOf, secretFields } from './settings.ts'
import { waitOf } from './wait.ts'

export type { HttpSettings } from './settings.ts'

/** The protocol. One per process: it holds the connections to upstreams, and what is known of their APIs. */
export function createHttp(): Protocol<HttpSettings> {
  const readings = new Readings()
  const proxy = new ReverseProxy()
  const tokens = new AccessTokens(proxy.upstreams)

  const protocol: Protocol<HttpSettings> = {
    name: 'http',
    label: 'HTTP',
    defaultPort: 18443,
    settings: httpSettings,
    secretFields,
    checkFiles: checkDocument,
    oneOf,
    credentialMaps: { oauth: oauthSettings },
    recording: 'exchanges',
    connectHint,
    tool: { command: ['curl'], environment, arguments: toolArguments, url: localUrl },
    read: async text => statementOf(text),
    async readAt(text, { upstream }: Resource<HttpSettings>) {
      return httpStatement(readRequestText(text), await readings.of(upstream))
    },
    serve: (socket, listener, gateway) => proxy.serve(socket, listener, gateway, dialect),
  }

  const dialect = {
    protocol,
    // Each resource says whether it takes them.
    limits: { encodedSlash: true },
    upgrades: ['websocket'],
    naming: 'Say it in a field, Sallyport-Resource: NAME, or as the first label of the host.',
    resourceOf,
    denial,
    waitMs: waitOf,
    access: session => new ServiceAccess(session, { readings, tokens }),
  } satisfies Dialect<HttpSettings>
  return protocol
}

/** By its path: without a resource there is no document to look into. */
function statementOf(text: string): Statement {
  return httpStatement(readRequestText(text), { routes: undefined, unknown: 'path' })
}
