// Frames that tests of the relay send: the client's and a server's. Not for production code.
import { B, F, message } from './messages.ts'

// ——— a client's ———
export {
  describe as describeFrame,
  flush as flushFrame,
  parse as parseFrame,
  query as queryFrame,
  sync as syncFrame,
  terminate as terminateFrame,
} from './messages.ts'

export function bindFrame(
  portal: string,
  statement: string,
  values: readonly (string | null)[] = [],
  resultFormats: readonly number[] = [],
): Uint8Array {
  return message(F.bind, writer => {
    writer.cstring(portal).cstring(statement).int16(0).int16(values.length)
    for (const value of values) {
      if (value === null) writer.int32(-1)
      else writer.int32(Buffer.byteLength(value)).text(value)
    }
    writer.int16(resultFormats.length)
    for (const format of resultFormats) writer.int16(format)
  })
}

export function executeFrame(portal = '', maxRows = 0): Uint8Array {
  return message(F.execute, writer => writer.cstring(portal).int32(maxRows))
}

export function closeFrame(kind: 'S' | 'P', name: string): Uint8Array {
  return message(F.close, writer => writer.text(kind).cstring(name))
}

export function copyDataFrame(text: string): Uint8Array {
  return message(F.copyData, writer => writer.text(text))
}

export function copyDoneFrame(): Uint8Array {
  return message(F.copyDone, () => {})
}

export function copyFailFrame(why: string): Uint8Array {
  return message(F.copyFail, writer => writer.cstring(why))
}

// ——— a server's ———
export {
  commandComplete,
  parameterStatus,
  readyForQuery,
} from './messages.ts'

export interface ColumnDouble {
  readonly name: string
  readonly table?: number
  readonly attnum?: number
  readonly type?: number
  readonly format?: number
}

export function rowDescription(...columns: readonly ColumnDouble[]): Uint8Array {
  return message(B.rowDescription, writer => {
    writer.int16(columns.length)
    for (const { name, table = 0, attnum = 0, type = 25, format = 0 } of columns) {
      writer.cstring(name).int32(table).int16(attnum).int32(type).int16(-1).int32(-1).int16(format)
    }
  })
}

export function dataRow(...cells: readonly (string | null)[]): Uint8Array {
  return message(B.dataRow, writer => {
    writer.int16(cells.length)
    for (const cell of cells) {
      if (cell === null) writer.int32(-1)
      else writer.int32(Buffer.byteLength(cell)).text(cell)
    }
  })
}

export function bare(type: keyof typeof B): Uint8Array {
  return message(B[type], () => {})
}

export function copyResponse(
  type: 'copyInResponse' | 'copyOutResponse',
  width: number,
  format = 0,
): Uint8Array {
  return message(B[type], writer => {
    writer.uint8(format).int16(width)
    for (let i = 0; i < width; i++) writer.int16(format)
  })
}

export function serverError(code: string, text: string, severity = 'ERROR'): Uint8Array {
  return message(B.errorResponse, writer => {
    writer
      .text('S')
      .cstring(severity)
      .text('V')
      .cstring(severity)
      .text('C')
      .cstring(code)
      .text('M')
      .cstring(text)
      .uint8(0)
  })
}

/** The cells of a DataRow's body. */
export function cellsOf(body: Buffer): (string | null)[] {
  const cells: (string | null)[] = []
  let at = 2
  for (let i = 0; i < body.readInt16BE(0); i++) {
    const length = body.readInt32BE(at)
    at += 4
    cells.push(length < 0 ? null : body.toString('utf8', at, at + length))
    if (length > 0) at += length
  }
  return cells
}
