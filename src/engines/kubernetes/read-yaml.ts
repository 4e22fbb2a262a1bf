// YAML bodies as trees. API servers read YAML 1.1, others 1.2: what the two read differently is refused, and so are
// aliases, tags, merge keys and several documents. What goes on is the JSON of the tree, so nobody reads the YAML again.
import { isMap, isScalar, isSeq, type Node, parseDocument } from 'yaml'
import { InvalidRequest } from '#model'
import { type Tree, WrittenNumber } from './tree.ts'

const DEPTH = 128
/** Its parser is slow, and slower where a text is wrong. JSON may be longer. */
const MOST_CHARACTERS = 128 * 1024
/** Booleans to YAML 1.1, words to 1.2. */
const OLD_BOOLEAN = /^(?:y|yes|n|no|on|off)$/i
/** Numbers to one of the two: octal, in sixties, with underscores. */
const OLD_NUMBER =
  /^[-+]?(?:0[0-7_]+|0o[0-7_]+|0b[01_]+|0x[\da-f_]+|[\d_]+(?::[0-5]?\d)+(?:\.[\d_]*)?|\d[\d_]*_[\d_.]*|\.?\d*\.(?:inf|nan)|\.(?:inf|nan))$/i

/** Throws InvalidRequest. */
export function readYaml(text: string): Tree {
  if (text.length > MOST_CHARACTERS)
    throw new InvalidRequest(
      'statement_too_large',
      `a body in YAML may have ${MOST_CHARACTERS / 1024} KiB at most`,
      { hint: 'Send it as JSON.' },
    )
  if (/[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u.test(text))
    throw wrong('a character that YAML does not have')
  if (/^%/m.test(text)) throw wrong('a directive')
  const document = parseDocument(text, {
    schema: 'core',
    merge: false,
    // Told by the walk: the library compares each name with all others.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  })
  if (document.errors.length > 0 || document.warnings.length > 0)
    throw wrong('something that does not read')
  return treeOf(document.contents, 1)
}

function treeOf(node: Node | null | undefined, depth: number): Tree {
  if (node === null || node === undefined) return null
  if (depth > DEPTH) throw wrong('too deep a nesting')
  if (isScalar(node)) {
    check(node)
    return scalar(node.value, node.source ?? '', node.type === 'PLAIN')
  }
  if (isSeq<Node>(node)) {
    check(node)
    return node.items.map(item => treeOf(item, depth + 1))
  }
  if (!isMap<Node, Node | null>(node)) throw wrong('an alias')
  check(node)
  const object = new Map<string, Tree>()
  for (const { key, value } of node.items) {
    const name = nameOf(key)
    if (object.has(name)) throw wrong('a name twice in one object')
    object.set(name, treeOf(value, depth + 1))
  }
  return object
}

function check(node: { anchor?: string | undefined; tag?: string | undefined }): void {
  if (node.anchor !== undefined) throw wrong('an anchor')
  if (node.tag !== undefined) throw wrong('a tag')
}

/** Names are texts to Kubernetes: `8080:` is `"8080"`, and nobody doubts it. */
function nameOf(key: Node): string {
  if (!isScalar(key)) throw wrong('a name that is no text')
  check(key)
  const source = key.source ?? ''
  const read = scalar(key.value, source, key.type === 'PLAIN')
  if (typeof read === 'string') {
    if (read === '<<') throw wrong('a merge key')
    return read
  }
  if (read instanceof WrittenNumber && read.text === source) return source
  throw wrong('a name that is no text')
}

function scalar(value: unknown, source: string, plain: boolean): Tree {
  if (!plain) {
    if (typeof value !== 'string') throw wrong('something that does not read')
    return value
  }
  if (OLD_BOOLEAN.test(source) || OLD_NUMBER.test(source))
    throw wrong(
      `${JSON.stringify(source.slice(0, 32))}, which is read in two ways: put it in quotes`,
    )
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
      throw wrong('a number that is too large')
    return new WrittenNumber(JSON.stringify(value))
  }
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  throw wrong('something that does not read')
}

function wrong(what: string): InvalidRequest {
  return new InvalidRequest('statement_unreadable', `the body is YAML with ${what}`, {
    hint: 'Send it as JSON.',
  })
}
