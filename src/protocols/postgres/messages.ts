// The messages we write ourselves: to the client as its server, to the upstream as its client. Knows the
// wire's layout (PostgreSQL documentation, "Message Formats"); reads and decides nothing.
import { ByteWriter } from '#engines/wire'
import type { Parameter } from '#model'

/** Message types by their byte. F: a client sends it; B: a server does. */
export const F = {
  bind: 0x42,
  close: 0x43,
  copyData: 0x64,
  copyDone: 0x63,
  copyFail: 0x66,
  describe: 0x44,
  execute: 0x45,
  flush: 0x48,
  functionCall: 0x46,
  parse: 0x50,
  password: 0x70,
  query: 0x51,
  sync: 0x53,
  terminate: 0x58,
} as const

export const B = {
  authentication: 0x52,
  backendKeyData: 0x4b,
  bindComplete: 0x32,
  closeComplete: 0x33,
  commandComplete: 0x43,
  copyBothResponse: 0x57,
  copyData: 0x64,
  copyDone: 0x63,
  copyInResponse: 0x47,
  copyOutResponse: 0x48,
  dataRow: 0x44,
  emptyQueryResponse: 0x49,
  errorResponse: 0x45,
  functionCallResponse: 0x56,
  negotiateProtocolVersion: 0x76,
  noData: 0x6e,
  noticeResponse: 0x4e,
  notificationResponse: 0x41,
  parameterDescription: 0x74,
  parameterStatus: 0x53,
  parseComplete: 0x31,
  portalSuspended: 0x73,
  readyForQuery: 0x5a,
  rowDescription: 0x54,
} as const

/** The codes that stand where a startup packet has its version. */
export const requestCodes = {
  cancel: 80877102,
  ssl: 80877103,
  gss: 80877104,
} as const

export type TransactionStatus = 'I' | 'T' | 'E'

/** A typed message around what `body` writes. */
export function message(type: number, body: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter(64)
  writer.uint8(type).int32(0)
  body(writer)
  writer.setInt32(1, writer.length - 1)
  return writer.finish()
}

function bare(type: number): Uint8Array {
  return message(type, () => {})
}

// ——— to the client ———

export function authenticationOk(): Uint8Array {
  return authentication(0, () => {})
}

export function cleartextPasswordRequest(): Uint8Array {
  return authentication(3, () => {})
}

export function saslRequest(mechanisms: readonly string[]): Uint8Array {
  return authentication(10, writer => {
    for (const mechanism of mechanisms) writer.cstring(mechanism)
    writer.uint8(0)
  })
}

export function saslContinue(data: string): Uint8Array {
  return authentication(11, writer => writer.text(data))
}

export function saslFinal(data: string): Uint8Array {
  return authentication(12, writer => writer.text(data))
}

function authentication(code: number, body: (writer: ByteWriter) => void): Uint8Array {
  return message(B.authentication, writer => body(writer.int32(code)))
}

export function parameterStatus(name: string, value: string): Uint8Array {
  return message(B.parameterStatus, writer => writer.cstring(name).cstring(value))
}

export function backendKeyData(pid: number, key: Uint8Array): Uint8Array {
  return message(B.backendKeyData, writer => writer.int32(pid).bytes(key))
}

/** `minor`: the newest minor version of 3 that we speak. `unknown`: the `_pq_.` options we do not know. */
export function negotiateProtocolVersion(minor: number, unknown: readonly string[]): Uint8Array {
  return message(B.negotiateProtocolVersion, writer => {
    writer.int32((3 << 16) | minor).int32(unknown.length)
    for (const name of unknown) writer.cstring(name)
  })
}

export function readyForQuery(status: TransactionStatus): Uint8Array {
  return message(B.readyForQuery, writer => writer.text(status))
}

export function commandComplete(tag: string): Uint8Array {
  return message(B.commandComplete, writer => writer.cstring(tag))
}

/** Fields of an ErrorResponse or NoticeResponse: one-letter code and text, in the order given. */
export type MessageFields = readonly (readonly [code: string, text: string])[]

export function errorResponse(fields: MessageFields): Uint8Array {
  return report(B.errorResponse, fields)
}

export function noticeResponse(fields: MessageFields): Uint8Array {
  return report(B.noticeResponse, fields)
}

function report(type: number, fields: MessageFields): Uint8Array {
  return message(type, writer => {
    for (const [code, text] of fields) writer.text(code).cstring(text.replaceAll('\0', '\u{fffd}'))
    writer.uint8(0)
  })
}

// ——— to the upstream ———

/** Protocol 3.0: nothing newer is needed upstream, and every server since 7.4 speaks it. */
export function startup(parameters: ReadonlyMap<string, string>): Uint8Array {
  const writer = new ByteWriter()
  writer.int32(0).int32(3 << 16)
  for (const [name, value] of parameters) writer.cstring(name).cstring(value)
  writer.uint8(0).setInt32(0, writer.length)
  return writer.finish()
}

export function sslRequest(): Uint8Array {
  return new ByteWriter(8).int32(8).int32(requestCodes.ssl).finish()
}

export function cancelRequest(pid: number, key: Uint8Array): Uint8Array {
  return new ByteWriter(16 + key.length)
    .int32(12 + key.length)
    .int32(requestCodes.cancel)
    .int32(pid)
    .bytes(key)
    .finish()
}

export function passwordMessage(text: string | Uint8Array): Uint8Array {
  return message(F.password, writer => {
    if (typeof text === 'string') writer.cstring(text)
    else writer.bytes(text).uint8(0)
  })
}

export function saslInitialResponse(mechanism: string, data: string): Uint8Array {
  const bytes = new TextEncoder().encode(data)
  return message(F.password, writer => writer.cstring(mechanism).int32(bytes.length).bytes(bytes))
}

export function saslResponse(data: string): Uint8Array {
  return message(F.password, writer => writer.text(data))
}

export function query(text: string): Uint8Array {
  return message(F.query, writer => writer.cstring(text))
}

export function parse(name: string, text: string): Uint8Array {
  return message(F.parse, writer => writer.cstring(name).cstring(text).int16(0))
}

/** Parse of the unnamed statement; a type of 0 is the server's to infer. */
export function parseTyped(text: string, types: readonly number[]): Uint8Array {
  return message(F.parse, writer => {
    writer.cstring('').cstring(text).int16(types.length)
    for (const type of types) writer.int32(type)
  })
}

/** Bind of the unnamed statement to the unnamed portal; the answer is text. */
export function bindUnnamed(
  parameters: readonly Pick<Parameter, 'format' | 'value'>[],
): Uint8Array {
  return message(F.bind, writer => {
    writer.cstring('').cstring('').int16(parameters.length)
    for (const { format } of parameters) writer.int16(format === 'binary' ? 1 : 0)
    writer.int16(parameters.length)
    for (const { value } of parameters) {
      if (value === null) writer.int32(-1)
      else writer.int32(value.length).bytes(value)
    }
    writer.int16(0)
  })
}

export function executeUnnamed(): Uint8Array {
  return message(F.execute, writer => writer.cstring('').int32(0))
}

export function describe(kind: 'S' | 'P', name: string): Uint8Array {
  return message(F.describe, writer => writer.text(kind).cstring(name))
}

export function flush(): Uint8Array {
  return bare(F.flush)
}

export function sync(): Uint8Array {
  return bare(F.sync)
}

export function terminate(): Uint8Array {
  return bare(F.terminate)
}
