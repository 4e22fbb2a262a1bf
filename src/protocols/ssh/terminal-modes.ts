// RFC 4254 section 8: the library reads them from their second byte on, and calls a terminal with IUTF8 malformed. Here
// they are read as they are, and go to the host as they came.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

// biome-ignore lint/suspicious/noExplicitAny: the library's own protocol, of which its handlers are a part
type Handler = (protocol: any, payload: Buffer) => unknown
/** By the number of the message; the library has one table for all connections. */
const handlers: Handler[] = require('ssh2/lib/protocol/handlers.js')

const CHANNEL_REQUEST = 98
/** From here on opcodes have no form that is known: nothing after them can be read. */
const UNKNOWN_FORM = 160
const LONGEST = 1_024
const PTY = 'pty-req'

const plain = handlers[CHANNEL_REQUEST]
if (plain === undefined) throw new Error('the library has no handler of CHANNEL_REQUEST')
handlers[CHANNEL_REQUEST] = (protocol, payload) => {
  const asked = readTerminal(payload)
  if (asked === undefined) return plain(protocol, payload)
  const { channel, wantReply, terminal } = asked
  return protocol._handlers.CHANNEL_REQUEST?.(protocol, channel, PTY, wantReply, terminal)
}

/** Undefined: another request, or one that is malformed, which is the library's to refuse. */
function readTerminal(payload: Buffer) {
  let at = 1
  const number = () => {
    const value = at + 4 <= payload.length ? payload.readUInt32BE(at) : Number.NaN
    at += 4
    return value
  }
  const string = () => {
    const length = number()
    const bytes = payload.subarray(at, at + length)
    at += length
    return bytes
  }
  const channel = number()
  if (string().toString('latin1') !== PTY) return undefined
  const wantReply = payload[at] !== 0
  at += 1
  const term = string().toString('utf8')
  const [cols, rows, width, height] = [number(), number(), number(), number()]
  const modes = string()
  // An opcode that is cut, or a length past the end, makes `at` more than there is.
  if (Number.isNaN(at) || at > payload.length) return undefined
  return {
    channel,
    wantReply,
    terminal: { term, cols, rows, width, height, modes: readModes(modes) },
  }
}

/** Whole modes only: up to the end mark, the first that has no known form, or the first that is cut. */
export function readModes(encoded: Buffer): Buffer {
  let at = 0
  while (at + 5 <= Math.min(encoded.length, LONGEST)) {
    const opcode = encoded[at] ?? 0
    if (opcode === 0 || opcode >= UNKNOWN_FORM) break
    at += 5
  }
  return Buffer.concat([encoded.subarray(0, at), Buffer.of(0)])
}
