// JSON bodies as trees. What two readers could understand differently is refused: a name twice in one object, a NUL, half
// a character, a byte order mark (sigs.k8s.io/json takes the last of two names, others the first).
import { Buffer } from 'node:buffer'
import {
  ARRAY,
  ARRAY_END,
  decodeString,
  END,
  FALSE,
  JsonProblem,
  JsonTokens,
  NAME,
  NEED,
  NULL,
  NUMBER,
  OBJECT,
  OBJECT_END,
  STRING,
  TRUE,
} from '#engines/json'
import { InvalidRequest } from '#model'
import { type Tree, WrittenNumber } from './tree.ts'

const DEPTH = 128
/** As many as the protobuf reader takes fields: what is judged takes time for each, and others wait meanwhile. */
const MOST_VALUES = 100_000

/** Throws JsonProblem, InvalidRequest: it has too many values. */
export function readJson(bytes: Uint8Array): Tree {
  const tokens = new JsonTokens({ depth: DEPTH })
  tokens.feed(bytes)
  tokens.finish()
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const scratch = Buffer.allocUnsafe(bytes.length)
  const open: { readonly into: Map<string, Tree> | Tree[]; name: string }[] = []
  let whole: Tree = null

  const text = (): string =>
    tokens.escaped
      ? scratch.toString('utf8', 0, decodeString(bytes, tokens.start, tokens.end, scratch, 0))
      : view.toString('utf8', tokens.start, tokens.end)
  let values = 0
  const put = (value: Tree): void => {
    values += 1
    if (values > MOST_VALUES)
      throw new InvalidRequest(
        'statement_too_large',
        `a body may have ${MOST_VALUES} values at most`,
      )
    const level = open.at(-1)
    if (level === undefined) whole = value
    else if (Array.isArray(level.into)) level.into.push(value)
    else level.into.set(level.name, value)
  }
  const enter = (into: Map<string, Tree> | Tree[]): void => {
    put(into)
    open.push({ into, name: '' })
  }

  for (;;) {
    const token = tokens.next()
    if (tokens.marked) throw new JsonProblem('mark', 0)
    if (tokens.nul) throw new JsonProblem('nul', tokens.start)
    if (tokens.lone) throw new JsonProblem('surrogate', tokens.start)
    switch (token) {
      case NEED:
      case END:
        return whole
      case OBJECT:
        enter(new Map())
        break
      case ARRAY:
        enter([])
        break
      case OBJECT_END:
      case ARRAY_END:
        open.pop()
        break
      case NAME: {
        const level = open.at(-1)!
        level.name = text()
        if (!Array.isArray(level.into) && level.into.has(level.name))
          throw new JsonProblem('duplicate', tokens.start)
        break
      }
      case STRING:
        put(text())
        break
      case NUMBER:
        put(new WrittenNumber(view.toString('latin1', tokens.start, tokens.end)))
        break
      case TRUE:
      case FALSE:
        put(token === TRUE)
        break
      case NULL:
        put(null)
        break
    }
  }
}
