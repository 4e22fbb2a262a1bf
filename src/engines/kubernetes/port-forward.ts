// Where a tunnel into a cluster leads. A WebSocket says its ports on the URL, SPDY on each of its streams.
import { InvalidRequest, type TunnelEnd } from '#model'
import type { RequestInfo } from './request-info.ts'

/** Each once, in the order of the URL; empty: it does not say. Throws InvalidRequest. */
export function portsOf({ parameters }: RequestInfo): readonly number[] {
  const words = (parameters.get('ports') ?? []).flatMap(each => each.split(','))
  return [...new Set(words.map(readPort))]
}

/** Throws InvalidRequest. */
export function readPort(text: string): number {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new InvalidRequest('statement_unreadable', 'a port is a number from 1 to 65535')
  return port
}

/** `port`: undefined where it is not known yet. */
export function tunnelEnd(name: string, port: number | undefined): TunnelEnd {
  return port === undefined
    ? { direction: 'out', kind: 'host', host: '', port: 0 }
    : { direction: 'out', kind: 'tcp', host: name.toLowerCase(), port }
}
