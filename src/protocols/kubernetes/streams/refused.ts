// A refusal told in the streams that were asked for.
import { Buffer } from 'node:buffer'
import { type Exchange, Fields, websocketAccept } from '#transport/http'
import { statusObject } from '../denial.ts'
import { CHANNELS } from './command.ts'
import { End } from './end.ts'
import { MessageEnd } from './message-end.ts'
import { SOCKET_FIELD } from './negotiation.ts'
import type { PodStreams } from './pod-streams.ts'

/** RFC 6455 section 7.4.1. */
const NORMAL = 1000

/**
 * True: a command over WebSocket was told there. To clients any answer but 101 is of a server without WebSocket, and they ask the
 * same once more over SPDY: who has just said no to it would be asked again.
 */
export function refuseInStreams(
  exchange: Exchange,
  { upgrade, offer, purpose }: PodStreams,
  error: unknown,
): boolean {
  const key = exchange.request.fields.get('sec-websocket-key')
  const [protocol] = offer
  if (upgrade !== 'websocket' || purpose.kind !== 'command') return false
  if (key === undefined || protocol === undefined) return false
  if (exchange.answered || exchange.signal.aborted) return false
  const agreed = Fields.of([SOCKET_FIELD, protocol], ['sec-websocket-accept', websocketAccept(key)])
  const end = new End(exchange.upgrade(agreed))
  const client = new MessageEnd(end, true, { message() {}, closed() {} })
  const status = JSON.stringify(statusObject(error))
  client.write(Buffer.concat([Buffer.from([CHANNELS.indexOf('error')]), Buffer.from(status)]))
  client.close(NORMAL, '')
  // What it still sends is for nobody.
  end.read(
    () => {},
    () => {},
  )
  end.finish()
  return true
}
