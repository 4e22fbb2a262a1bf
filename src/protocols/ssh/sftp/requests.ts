// What a client's packet asks: an operation on paths, one on a handle, or something that is not served. Decodes all of
// the packet or throws; decides nothing.
import { InvalidRequest } from '#model'
import { readPath } from './paths.ts'
import { ANSWER, Fields, packet, REQUEST, string, uint32 } from './wire.ts'

/** A path as the client wrote it. `entry`: of a last name that is a link, the link itself is meant. */
export interface AskedPath {
  readonly path: string
  readonly means: 'target' | 'entry'
}

export interface PathRequest {
  readonly kind: 'path'
  readonly id: number
  readonly verb: string
  readonly words: readonly string[]
  readonly paths: readonly AskedPath[]
  /** Of a symbolic link: what it is to say. */
  readonly target?: string
  /** What goes to the host for these canonical paths. */
  readonly build: (paths: readonly string[]) => Buffer
  /** What it is answered by, when not by a status. */
  readonly answer: number | undefined
  readonly opens?: 'file' | 'folder'
}

export interface HandleRequest {
  readonly kind: 'handle'
  readonly id: number
  readonly verb: 'CLOSE' | 'READ' | 'WRITE' | 'FSTAT' | 'FSETSTAT' | 'READDIR' | 'FSYNC'
  readonly handle: Buffer
  /** Of FSETSTAT: what is set. */
  readonly words: readonly string[]
  /** Of READ and WRITE. */
  readonly offset: number
  /** Of WRITE; a view. */
  readonly data: Buffer | undefined
  /** What goes to the host, for its own handle. */
  readonly build: (handle: Uint8Array) => Buffer
  readonly answer: number | undefined
}

export interface OtherRequest {
  readonly kind: 'limits' | 'expand' | 'unsupported'
  readonly id: number
  readonly path: string
}

export type FileRequest = PathRequest | HandleRequest | OtherRequest

const PFLAGS = ['read', 'write', 'append', 'create', 'truncate', 'exclusive'] as const
const READ_PATH: Readonly<
  Record<number, readonly [verb: string, means: AskedPath['means'], answer: number | undefined]>
> = {
  [REQUEST.lstat]: ['LSTAT', 'entry', ANSWER.attributes],
  [REQUEST.stat]: ['STAT', 'target', ANSWER.attributes],
  [REQUEST.opendir]: ['OPENDIR', 'target', ANSWER.handle],
  [REQUEST.readlink]: ['READLINK', 'entry', ANSWER.name],
  [REQUEST.realpath]: ['REALPATH', 'target', ANSWER.name],
  [REQUEST.remove]: ['REMOVE', 'entry', undefined],
  [REQUEST.rmdir]: ['RMDIR', 'entry', undefined],
}
const ON_HANDLE: Readonly<Record<number, readonly [HandleRequest['verb'], number | undefined]>> = {
  [REQUEST.close]: ['CLOSE', undefined],
  [REQUEST.read]: ['READ', ANSWER.data],
  [REQUEST.write]: ['WRITE', undefined],
  [REQUEST.fstat]: ['FSTAT', ANSWER.attributes],
  [REQUEST.fsetstat]: ['FSETSTAT', undefined],
  [REQUEST.readdir]: ['READDIR', ANSWER.name],
}

export function readRequest(bytes: Buffer): FileRequest {
  const type = bytes[4] ?? 0
  const id = new Fields(bytes, 5).uint32()
  const fields = new Fields(bytes)
  const onHandle = ON_HANDLE[type]
  if (onHandle !== undefined) return handleRequest(bytes, id, ...onHandle)
  const onPath = READ_PATH[type]
  if (onPath !== undefined) {
    const [verb, means, answer] = onPath
    const asked = onePath(fields, means)
    fields.end()
    return {
      kind: 'path',
      id,
      verb,
      words: [],
      paths: [asked],
      build: ([path = '']) => packet(type, string(path)),
      answer,
      ...(type === REQUEST.opendir ? { opens: 'folder' as const } : {}),
    }
  }
  switch (type) {
    case REQUEST.open:
      return open(fields, id)
    case REQUEST.setstat:
      return withAttributes(fields, id, 'SETSTAT', 'target', [], type)
    case REQUEST.mkdir:
      return withAttributes(fields, id, 'MKDIR', 'entry', [], type)
    case REQUEST.rename:
      return twoPaths(fields, id, 'RENAME', [], type)
    case REQUEST.symlink:
      return symlink(fields, id)
    case REQUEST.extended:
      return extended(fields, id)
    default:
      return { kind: 'unsupported', id, path: '' }
  }
}

/** Extensions that are served where the host has them, with the version that is meant. */
export const EXTENSIONS: Readonly<Record<string, string>> = {
  'posix-rename@openssh.com': '1',
  'hardlink@openssh.com': '1',
  'fsync@openssh.com': '1',
  'lsetstat@openssh.com': '1',
  'statvfs@openssh.com': '2',
  'limits@openssh.com': '1',
  'expand-path@openssh.com': '1',
}

function extended(fields: Fields, id: number): FileRequest {
  const name = fields.string()
  const type = REQUEST.extended
  switch (name.toString('latin1')) {
    case 'posix-rename@openssh.com':
      return twoPaths(fields, id, 'POSIX-RENAME', [string(name)], type)
    case 'hardlink@openssh.com':
      return twoPaths(fields, id, 'HARDLINK', [string(name)], type)
    case 'lsetstat@openssh.com':
      return withAttributes(fields, id, 'LSETSTAT', 'entry', [string(name)], type)
    case 'statvfs@openssh.com': {
      const asked = onePath(fields, 'target')
      fields.end()
      const build = ([path = '']: readonly string[]) => packet(type, string(name), string(path))
      const answer = ANSWER.extended
      return { kind: 'path', id, verb: 'STATVFS', words: [], paths: [asked], build, answer }
    }
    case 'fsync@openssh.com': {
      const handle = fields.string()
      fields.end()
      const build = (host: Uint8Array) => packet(type, string(name), string(host))
      const rest = { words: [], offset: 0, data: undefined, answer: undefined }
      return { kind: 'handle', id, verb: 'FSYNC', handle, build, ...rest }
    }
    case 'limits@openssh.com':
      return { kind: 'limits', id, path: '' }
    case 'expand-path@openssh.com':
      return { kind: 'expand', id, path: onePath(fields, 'target').path }
    default:
      return { kind: 'unsupported', id, path: '' }
  }
}

function onePath(fields: Fields, means: AskedPath['means']): AskedPath {
  return { path: readPath(fields.string()), means }
}

function twoPaths(
  fields: Fields,
  id: number,
  verb: string,
  before: readonly Uint8Array[],
  type: number,
): PathRequest {
  const paths = [onePath(fields, 'entry'), onePath(fields, 'entry')]
  fields.end()
  const build = (canonical: readonly string[]) =>
    packet(type, ...before, ...canonical.map(each => string(each)))
  return { kind: 'path', id, verb, words: [], paths, build, answer: undefined }
}

/**
 * As OpenSSH has it, and all that speak with it: what the link says goes before its own path, unlike the draft. Judged
 * are both in just that order.
 */
function symlink(fields: Fields, id: number): PathRequest {
  const target = readPath(fields.string())
  const link = onePath(fields, 'entry')
  fields.end()
  return {
    kind: 'path',
    id,
    verb: 'SYMLINK',
    words: [],
    paths: [link, { path: target, means: 'target' }],
    target,
    build: ([path = '']) => packet(REQUEST.symlink, string(target), string(path)),
    answer: undefined,
  }
}

function open(fields: Fields, id: number): PathRequest {
  const asked = onePath(fields, 'target')
  const pflags = fields.uint32()
  const attributes = readAttributes(fields)
  fields.end()
  const modes = PFLAGS.filter((_, bit) => pflags & (1 << bit))
  // Each of these changes what is there.
  const changes = modes.some(mode => mode !== 'read' && mode !== 'write')
  if (pflags >>> PFLAGS.length !== 0 || (pflags & 3) === 0 || (changes && !modes.includes('write')))
    throw new InvalidRequest('statement_unsupported', 'a file is opened in a way that is not known')
  const words = [modes.join(','), ...attributes.words]
  const build = ([path = '']: readonly string[]) =>
    packet(REQUEST.open, string(path), uint32(pflags), attributes.bytes)
  const answer = ANSWER.handle
  return { kind: 'path', id, verb: 'OPEN', words, paths: [asked], build, answer, opens: 'file' }
}

function withAttributes(
  fields: Fields,
  id: number,
  verb: string,
  means: AskedPath['means'],
  before: readonly Uint8Array[],
  type: number,
): PathRequest {
  const asked = onePath(fields, means)
  const { words, bytes } = readAttributes(fields)
  fields.end()
  const build = ([path = '']: readonly string[]) => packet(type, ...before, string(path), bytes)
  return { kind: 'path', id, verb, words, paths: [asked], build, answer: undefined }
}

/** Attributes that are to be set, in words, and as they are. */
function readAttributes(fields: Fields): { readonly words: string[]; readonly bytes: Buffer } {
  const flags = fields.uint32()
  const words: string[] = []
  const bytes: Uint8Array[] = [uint32(flags)]
  const take = () => {
    const value = fields.uint32()
    bytes.push(uint32(value))
    return value
  }
  if (flags & 0x1) words.push(`size=${take() * 2 ** 32 + take()}`)
  if (flags & 0x2) words.push(`owner=${take()}:${take()}`)
  if (flags & 0x4) words.push(`mode=${take().toString(8)}`)
  if (flags & 0x8) words.push(`times=${take()}:${take()}`)
  // Extended attributes mean what each server likes.
  if ((flags & ~0xf) !== 0)
    throw new InvalidRequest('statement_unsupported', 'extended attributes are not served')
  return { words, bytes: Buffer.concat(bytes) }
}

function handleRequest(
  bytes: Buffer,
  id: number,
  verb: HandleRequest['verb'],
  answer: number | undefined,
): HandleRequest {
  const type = bytes[4] ?? 0
  const fields = new Fields(bytes)
  const handle = fields.string()
  const none = { words: [], offset: 0, data: undefined }
  const request = { kind: 'handle', id, verb, handle, ...none, answer } as const
  if (verb === 'READ') {
    const after = new Fields(bytes, bytes.length - fields.left)
    const offset = after.uint64()
    after.uint32()
    after.end()
    const rest = fields.rest()
    return { ...request, offset, build: host => packet(type, string(host), rest) }
  }
  if (verb === 'WRITE') {
    const offset = fields.uint64()
    const data = fields.string()
    fields.end()
    return { ...request, offset, data, build: host => sameLength(bytes, handle, host, type) }
  }
  if (verb === 'FSETSTAT') {
    const attributes = readAttributes(fields)
    fields.end()
    const { words, bytes: set } = attributes
    return { ...request, words, build: host => packet(type, string(host), set) }
  }
  fields.end()
  return { ...request, build: host => packet(type, string(host)) }
}

/** The packet itself with the host's handle in the place of ours, where it fits: data is not copied once more. */
function sameLength(bytes: Buffer, handle: Buffer, host: Uint8Array, type: number): Buffer {
  if (handle.length !== host.length)
    return packet(type, string(host), bytes.subarray(HANDLE_AT + 4 + handle.length))
  bytes.set(host, HANDLE_AT + 4)
  return bytes
}

/** Where the length of the handle is, the first field. */
const HANDLE_AT = 9
