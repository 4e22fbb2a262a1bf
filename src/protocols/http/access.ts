// One session's way to its service: how its requests are read, where they go, and as whom.
import { httpStatement, overridingMethods, type Reading } from '#engines/http'
import type { Session } from '#gateway'
import { type GatewayError, InvalidRequest, type Statement } from '#model'
import { type Access, KeptCredential, type ReadBody, type RequestReader, type Way } from '#proxy'
import { HttpRefusal, type RequestHead } from '#transport/http'
import { bodyFacts } from './body-facts.ts'
import { serviceCredential } from './credential.ts'
import type { AccessTokens } from './oauth.ts'
import { placeOf, type Readings } from './reading.ts'
import type { HttpSettings } from './settings.ts'

/** RFC 4559, [MS-NTHT]. */
const OF_A_CONNECTION = /^(?:ntlm|negotiate|kerberos|nego2)\b/i

export class ServiceAccess implements Access {
  readonly credential: KeptCredential
  readonly #session: Session<HttpSettings>
  readonly #readings: Readings

  constructor(
    session: Session<HttpSettings>,
    { readings, tokens }: { readonly readings: Readings; readonly tokens: AccessTokens },
  ) {
    this.#session = session
    this.#readings = readings
    this.credential = new KeptCredential(() => serviceCredential(session, tokens))
  }

  get #settings(): HttpSettings {
    return this.#session.resource.upstream
  }

  get body(): HttpSettings['body'] {
    return this.#settings.body
  }

  get unreadable(): HttpSettings['unreadable'] {
    return this.#settings.unreadable
  }

  get reader(): RequestReader | undefined {
    const reading = this.#readings.known(this.#settings)
    return reading === undefined ? undefined : readerOf(reading, this.#settings)
  }

  async readers(onTrouble: (error: GatewayError) => void): Promise<RequestReader> {
    return readerOf(await this.#readings.of(this.#settings, onTrouble), this.#settings)
  }

  way(): Way {
    return placeOf(this.#settings)
  }
}

/** A reading belongs to its settings: one reader for both. */
const readers = new WeakMap<Reading, RequestReader>()

function readerOf(reading: Reading, settings: HttpSettings): RequestReader {
  let reader = readers.get(reading)
  if (reader === undefined) {
    reader = {
      statement: (request, body, carrier) =>
        statementOf({ request, body, carrier, reading, settings }),
    }
    readers.set(reading, reader)
  }
  return reader
}

function statementOf({
  request,
  body,
  carrier,
  reading,
  settings,
}: {
  readonly request: RequestHead
  readonly body: ReadBody
  readonly carrier: string | undefined
  readonly reading: Reading
  readonly settings: HttpSettings
}): Statement {
  const { path, query } = request.target
  const { method, fields, upgrade } = request
  // The front keeps them for those resources that want them.
  if (settings.paths.encodedSlash === 'refuse' && path.includes('%2F'))
    throw new HttpRefusal('target_encoded_separator')
  // The proof is ours: another token of the same principal asks for the same.
  const own = [...fields].filter(([name]) => name !== carrier)
  // Connections to a service are everybody's: the next one to ask there would be taken for whoever asked so.
  if (own.some(([name, value]) => name === 'authorization' && OF_A_CONNECTION.test(value)))
    throw new InvalidRequest(
      'message_unsupported',
      'a sign-in that holds for a whole connection (NTLM, Negotiate) is not served',
    )
  return httpStatement(
    {
      method,
      path,
      query,
      fields: own,
      body: body.asked,
      upgrade,
      methods: overridingMethods({
        method,
        query,
        type: fields.all('content-type').join(', '),
        body: body.bytes,
      }),
      ...bodyFacts(request, body, settings),
    },
    reading,
  )
}
