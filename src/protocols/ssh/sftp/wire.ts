// Packets of the file protocol (draft-ietf-secsh-filexfer-02, version 3; PROTOCOL of OpenSSH for the extensions): what
// they are made of, how they are cut and built. Pure; what they mean is elsewhere.
import { ProtocolError } from '#model'

export const REQUEST = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  symlink: 20,
  extended: 200,
} as const

export const ANSWER = {
  version: 2,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
  extended: 201,
} as const

export const STATUS = {
  ok: 0,
  endOfFile: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const

/** As OpenSSH has it (SFTP_MAX_MSG_LENGTH), with the length itself. */
export const MOST_PACKET_BYTES = 256 * 1024 + 4
/** Length, type, and what a request and its answer are matched by; INIT and VERSION have their version there. */
export const HEADER_BYTES = 9

/** The fields of a packet, in order. Throws where one is cut. */
export class Fields {
  readonly #bytes: Buffer
  #at: number

  constructor(packet: Buffer, at = HEADER_BYTES) {
    this.#bytes = packet
    this.#at = at
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#move(4))
  }

  /** Offsets and sizes: not exact beyond 2^53, where no file is. */
  uint64(): number {
    const at = this.#move(8)
    return this.#bytes.readUInt32BE(at) * 2 ** 32 + this.#bytes.readUInt32BE(at + 4)
  }

  /** A view. */
  string(): Buffer {
    const length = this.uint32()
    const at = this.#move(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** A view of all that follows. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#move(this.left))
  }

  /** Nothing may follow that was not looked at. */
  end(): void {
    if (this.left !== 0) throw malformed()
  }

  #move(bytes: number): number {
    if (bytes > this.left) throw malformed()
    const at = this.#at
    this.#at += bytes
    return at
  }
}

export function malformed(): ProtocolError {
  return new ProtocolError('protocol_violation', 'a file packet cannot be read')
}

/** A packet of these fields; the id is written when it is sent. */
export function packet(type: number, ...fields: readonly Uint8Array[]): Buffer {
  const length = fields.reduce((sum, each) => sum + each.length, HEADER_BYTES)
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeUInt32BE(length - 4, 0)
  bytes.writeUInt8(type, 4)
  bytes.writeUInt32BE(0, 5)
  let at = HEADER_BYTES
  for (const each of fields) {
    bytes.set(each, at)
    at += each.length
  }
  return bytes
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function string(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

export function setId(bytes: Buffer, id: number): Buffer {
  bytes.writeUInt32BE(id, 5)
  return bytes
}

export function status(id: number, code: number, message: string): Buffer {
  return setId(packet(ANSWER.status, uint32(code), string(message), string('')), id)
}
