// What a server's ErrorResponse during login means to a client of ours. Its own words may name users,
// hosts and databases of the other side, so they go to the operator's log only. Pure.
import type { ByteReader } from '#engines/wire'
import { UpstreamError } from '#model'

/** Fields of an ErrorResponse or NoticeResponse by their letter. Throws ProtocolError. */
export function fieldsOf(body: ByteReader): ReadonlyMap<string, string> {
  const fields = new Map<string, string>()
  for (let code = body.uint8(); code !== 0; code = body.uint8()) {
    fields.set(String.fromCharCode(code), body.cstring())
  }
  body.expectEnd()
  return fields
}

const sentences: Readonly<Record<string, string>> = {
  '3D000': 'the database does not exist',
  '42501': 'the credential may not connect to this database',
  '53300': 'the database has no connection left',
  '57P03': 'the database is starting up or shutting down',
  '55000': 'the database accepts no connections',
}

export function upstreamRefusal(fields: ReadonlyMap<string, string>): UpstreamError {
  const state = (fields.get('C') ?? '').replaceAll(/[^0-9A-Z]/g, '').slice(0, 5)
  const text = fields.get('M') ?? ''
  const cause = new Error(`${state}: ${text.slice(0, 500)}`)
  if (/^22023|^22P02|^42704|^22007|^55P02/.test(state)) {
    // A value of the client's own (a time zone, a timeout): it needs to know which.
    const parameter = /parameter "([A-Za-z_.]{1,63})"/.exec(text)?.[1]
    const which =
      parameter === undefined ? 'a startup parameter' : `startup parameter "${parameter}"`
    return new UpstreamError('upstream_refused', `the database refused the value of ${which}`, {
      cause,
    })
  }
  const sentence = state.startsWith('28')
    ? "the database refused the gateway's credential"
    : (sentences[state] ?? 'the database refused the connection')
  return new UpstreamError('upstream_refused', sentence, {
    detail: state === '' ? '' : `SQLSTATE ${state} of the database`,
    cause,
  })
}
