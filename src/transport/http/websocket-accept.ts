// RFC 6455 section 4.2.2: what answers the key of a client that opens a WebSocket.
import { createHash } from 'node:crypto'

const WEBSOCKET = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export function websocketAccept(key: string): string {
  return createHash('sha1').update(`${key}${WEBSOCKET}`).digest('base64')
}
