// The body of a request, by its content type: what it is to the API server, as a tree. What we cannot read is refused, for
// policies ask what it holds.
import { JsonProblem } from '#engines/json'
import { jsonOfProtobuf, PROTOBUF } from '#engines/kubernetes-protobuf'
import { InvalidRequest } from '#model'
import { readJson } from './read-json.ts'
import { readYaml } from './read-yaml.ts'
import { isList, isObject, type Tree, writeJson } from './tree.ts'

/** What an API server takes at most (its `MaxRequestBodyBytes`). */
export const MOST_BODY_BYTES = 3 * 1024 * 1024

export interface ReadBody {
  /** `object`: the whole of one; `merge`: what changes of one, as an object; `steps`: a JSON patch. */
  readonly sort: 'object' | 'merge' | 'steps'
  readonly tree: Tree
  /** What has to go on in its place, for others could read what came in another way. */
  readonly forward?: ForwardedBody
}

export interface ForwardedBody {
  readonly type: string
  readonly bytes: Uint8Array
}

const JSON_TYPE = 'application/json'
const APPLY_TYPE = 'application/apply-patch+yaml'
const OBJECTS: ReadonlySet<string> = new Set([JSON_TYPE, 'application/yaml', PROTOBUF])
const PATCHES: ReadonlyMap<string, ReadBody['sort']> = new Map([
  ['application/json-patch+json', 'steps'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'merge'],
  [APPLY_TYPE, 'merge'],
])

/**
 * What goes on in the place of a body that others could read in another way than we do, or that we read as what it means.
 * Undefined: it goes on as it came. Throws InvalidRequest.
 */
export function forwardedBody(
  verb: string,
  type: string | undefined,
  bytes: Uint8Array,
): ForwardedBody | undefined {
  return bytes.length === 0 ? undefined : readBody(verb, type, bytes).forward
}

/** `type`: the content type; undefined: none was said. Throws InvalidRequest. */
export function readBody(verb: string, type: string | undefined, bytes: Uint8Array): ReadBody {
  if (bytes.length > MOST_BODY_BYTES)
    throw new InvalidRequest(
      'statement_too_large',
      `a body may have ${MOST_BODY_BYTES / 1024 / 1024} MiB at most`,
    )
  const named = typeOf(type)
  const sort = verb === 'patch' ? PATCHES.get(named) : OBJECTS.has(named) ? 'object' : undefined
  if (sort === undefined)
    throw new InvalidRequest(
      'message_unsupported',
      `${verb === 'patch' ? 'patches' : 'bodies'} of the type ${named.slice(0, 64) || 'that is none'} are not served: policies ask what they hold`,
      { hint: 'Send it as JSON (client-go: ContentType "application/json").' },
    )
  const { tree, wasJson } = treeOf(named, bytes)
  if (sort === 'steps' ? !isList(tree) : !isObject(tree))
    throw unreadable(sort === 'steps' ? 'a JSON patch is a list' : 'the body is not an object')
  if (wasJson && (named !== APPLY_TYPE || isReadAlike(bytes))) return { sort, tree }
  const forwarded = named === APPLY_TYPE ? APPLY_TYPE : JSON_TYPE
  return { sort, tree, forward: { type: forwarded, bytes: Buffer.from(writeJson(tree)) } }
}

function treeOf(type: string, bytes: Uint8Array): { tree: Tree; wasJson: boolean } {
  if (type === PROTOBUF)
    return { tree: asJson(Buffer.from(JSON.stringify(jsonOfProtobuf(bytes)))).tree, wasJson: false }
  return type.endsWith('yaml') ? readEither(bytes) : asJson(bytes)
}

/** JSON that YAML 1.1 reads as the same: without what it takes for ends of lines or for no escapes. */
function isReadAlike(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
  return !/[\t\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]|\\\/|\\u[dD][89a-fA-F]/.test(text)
}

/** A text of ours, as a person reads it. Throws InvalidRequest. */
export function readShownBody(verb: string, text: string): ReadBody {
  const { tree } = readEither(Buffer.from(text))
  const sort = verb === 'patch' ? (isList(tree) ? 'steps' : 'merge') : 'object'
  if (sort !== 'steps' && !isObject(tree)) throw unreadable('the body is not an object')
  return { sort, tree }
}

/** In lower case, without parameters: `charset=utf-8` says nothing new, and nothing else is served. */
function typeOf(written: string | undefined): string {
  if (written === undefined) return JSON_TYPE
  const [, type, charset] =
    /^([\w.+-]+\/[\w.+-]+)\s*(?:;\s*charset\s*=\s*"?([\w-]+)"?\s*)?$/.exec(written.trim()) ?? []
  if (type === undefined || (charset !== undefined && charset.toLowerCase() !== 'utf-8')) return ''
  return type.toLowerCase()
}

/** JSON is YAML, and read so much faster and more strictly. */
function readEither(bytes: Uint8Array): { tree: Tree; wasJson: boolean } {
  try {
    return { tree: withoutMerges(readJson(bytes)), wasJson: true }
  } catch (error) {
    // Read again as what it says it is; what JSON forbids and YAML may not have either is refused there.
    if (!(error instanceof JsonProblem) || !MAY_BE_YAML.has(error.fault)) throw inWords(error)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    // Not passed over: the request is refused with it.
    throw new InvalidRequest('statement_unreadable', 'the body is not UTF-8', { cause })
  }
  return { tree: readYaml(text), wasJson: false }
}

const MAY_BE_YAML: ReadonlySet<string> = new Set([
  'syntax',
  'truncated',
  'trailing',
  'control',
  'escape',
  'number',
])

function asJson(bytes: Uint8Array): { tree: Tree; wasJson: boolean } {
  try {
    return { tree: readJson(bytes), wasJson: true }
  } catch (error) {
    throw inWords(error)
  }
}

function withoutMerges(tree: Tree): Tree {
  if (isObject(tree)) {
    if (tree.has('<<')) throw unreadable('the body is YAML with a merge key')
    for (const value of tree.values()) withoutMerges(value)
  } else if (isList(tree)) for (const value of tree) withoutMerges(value)
  return tree
}

/** What is no problem of the text is a bug, and stays what it is. */
function inWords(error: unknown): unknown {
  return error instanceof JsonProblem
    ? new InvalidRequest('statement_unreadable', `the body: ${error.message}`, { cause: error })
    : error
}

function unreadable(message: string): InvalidRequest {
  return new InvalidRequest('statement_unreadable', message)
}
