// A file operation as a Statement, and its text, which reads back as the same statement: what an approver, a reviewer
// and a policy test see is what is decided.
import type { Action, Flag, Operation, Statement } from '#model'
import { absolute, join, namesOf, objectName } from './paths.ts'

/** The subsystem itself, and the first word of each of its texts: no program can be called so. */
export const FILES = '<sftp>'

/** What each operation does to each path that it names. */
const OPERATIONS: ReadonlyMap<string, readonly (readonly Action[])[]> = new Map(
  Object.entries<readonly (readonly Action[])[]>({
    OPENDIR: [['read']],
    STAT: [['read']],
    LSTAT: [['read']],
    READLINK: [['read']],
    REALPATH: [['read']],
    STATVFS: [['read']],
    SETSTAT: [['write']],
    LSETSTAT: [['write']],
    FSETSTAT: [['write']],
    MKDIR: [['write']],
    RMDIR: [['write']],
    REMOVE: [['write']],
    // The link itself shows nothing, but leads others to what it names.
    SYMLINK: [['write'], ['write']],
    // What comes under another name can be read there.
    RENAME: [['read', 'write'], ['write']],
    'POSIX-RENAME': [['read', 'write'], ['write']],
    HARDLINK: [['read', 'write'], ['write']],
  }),
)
const DESTRUCTIVE: ReadonlySet<string> = new Set(['REMOVE', 'RMDIR'])

export interface FileOperation {
  /** `OPEN` or one of the table's. */
  readonly verb: string
  /** How: the modes of an OPEN, attributes that are set. Words without `/` or `"`. */
  readonly words: readonly string[]
  /** Canonical. */
  readonly paths: readonly string[]
  /** What else is forwarded and no path: the very words of a symbolic link. */
  readonly target?: string
}

/** The start of the subsystem. `login`: the upstream login. */
export function filesStatement(login: string): Statement {
  const operation: Operation = {
    action: 'execute',
    verb: 'subsystem',
    object: { name: FILES, kind: 'subsystem' },
    columns: [],
    flags: [],
  }
  return { ...EMPTY, text: FILES, operations: [operation], state: stateOf(login) }
}

/** Undefined: there is no such operation. */
export function fileStatement(asked: FileOperation, login: string): Statement | undefined {
  const rights = asked.verb === 'OPEN' ? openRights(asked.words) : OPERATIONS.get(asked.verb)
  if (rights === undefined || rights.length !== asked.paths.length) return undefined
  const flags: readonly Flag[] = DESTRUCTIVE.has(asked.verb) ? ['destructive'] : []
  const operations = rights.flatMap((actions, at) =>
    actions.map(action => ({
      action,
      verb: asked.verb,
      object: { name: objectName(asked.paths[at] ?? ''), kind: 'path' },
      columns: [],
      flags,
    })),
  )
  if (operations.length === 0) return undefined
  const text = [FILES, asked.verb, ...asked.words, ...asked.paths.map(quoted)].join(' ')
  return {
    ...EMPTY,
    text,
    operations,
    state: stateOf(login),
    ...(asked.target === undefined
      ? {}
      : { parameters: [{ type: 'target', format: 'text', value: Buffer.from(asked.target) }] }),
  }
}

/** The statement that a text of ours tells of; undefined: it is none of ours. */
export function readStatement(text: string, login: string): Statement | undefined {
  if (text === FILES) return filesStatement(login)
  if (!text.startsWith(`${FILES} `)) return undefined
  const found = text.slice(FILES.length + 1).match(/"(?:[^"\\]|\\.)*"|[^\s"]+/gu) ?? []
  const [verb = '', ...rest] = found
  const words = rest.filter(word => !/^["/]/u.test(word))
  const paths: string[] = []
  for (const word of rest.slice(words.length)) {
    const path = word.startsWith('"') ? unquoted(word) : word
    const names = path?.startsWith('/') ? namesOf(absolute(path, '/')) : undefined
    if (names === undefined) return undefined
    paths.push(join(names))
  }
  return fileStatement({ verb, words, paths }, login)
}

function openRights(words: readonly string[]): readonly (readonly Action[])[] {
  const modes = words[0]?.split(',') ?? []
  return [(['read', 'write'] as const).filter(action => modes.includes(action))]
}

/** Plain paths stand as they are. */
function quoted(path: string): string {
  return /^\/[\p{L}\p{N}._@%+=:,/-]*$/u.test(path) ? path : JSON.stringify(path)
}

function unquoted(word: string): string | undefined {
  try {
    return String(JSON.parse(word))
  } catch {
    // Safe: a text that cannot be read is no statement of ours.
    return undefined
  }
}

/** Marked, so that a yes to a command of the same words is none to this. */
function stateOf(login: string): Readonly<Record<string, string>> {
  return { login, subsystem: 'sftp' }
}

const EMPTY = { functions: [], phase: 'execute', mayDeriveFrom: [] } as const
