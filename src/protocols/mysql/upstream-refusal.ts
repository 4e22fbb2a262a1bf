// What a server's ERR during login means to a client of ours. Its own words may name users, hosts and databases of the
// other side, so they go to the operator's log only. Pure.
import { UpstreamError } from '#model'
import type { ErrorPacket } from './messages.ts'

const sentences: Readonly<Record<number, string>> = {
  1040: 'the database has no connection left',
  1044: 'the credential may not use this database',
  1045: 'the database refused the gateway’s credential',
  1049: 'the database does not exist',
  1053: 'the database is shutting down',
  1129: 'the database blocks the gateway after too many failed connections',
  1130: 'the database allows no connection from the gateway',
  1203: 'the credential has no connection left',
  1226: 'the credential has used up what it may use',
  1251: 'the database asks for another way to log in',
  1698: 'the database refused the gateway’s credential',
  1862: 'the password of the gateway’s credential has expired',
  3118: 'the gateway’s credential is locked',
  3159: 'the database demands TLS',
  4151: 'the gateway’s credential is locked',
}

export function upstreamRefusal({ code, state, message }: ErrorPacket): UpstreamError {
  return new UpstreamError(
    'upstream_refused',
    sentences[code] ?? 'the database refused the connection',
    {
      detail: `error ${code} of the database`,
      cause: new Error(`${code} ${state.replaceAll(/[^0-9A-Z]/g, '')}: ${message.slice(0, 500)}`),
    },
  )
}

export function malformed(what: string): UpstreamError {
  return new UpstreamError(
    'upstream_refused',
    `the database broke its protocol during login: ${what}`,
  )
}
