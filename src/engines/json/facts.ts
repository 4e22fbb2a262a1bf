// Reads what a policy asks of a JSON text, and refuses texts that two readers could understand differently.
import { Buffer } from 'node:buffer'
import { foldName, type PointerPattern } from './pointer.ts'
import { JsonProblem } from './problem.ts'
import { decodeString } from './text.ts'
import {
  ARRAY,
  ARRAY_END,
  END,
  FALSE,
  JsonTokens,
  NAME,
  NEED,
  NULL,
  NUMBER,
  OBJECT,
  OBJECT_END,
  STRING,
  type Token,
  TRUE,
} from './tokens.ts'

/** A value that a pointer led to. */
export interface JsonFact {
  readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array'
  /** A string's characters; a number as it is written; `true`, `false`; else empty. */
  readonly text: string
  /** The members of an object or an array. */
  readonly members: number
}

export interface JsonFacts {
  /** By the place of the pattern in the list that was asked for; several where `*` led to several. */
  readonly found: readonly (readonly JsonFact[])[]
  /** The deepest nesting. */
  readonly depth: number
}

const KINDS: Readonly<Record<number, JsonFact['kind']>> = {
  [OBJECT]: 'object',
  [ARRAY]: 'array',
  [STRING]: 'string',
  [NUMBER]: 'number',
  [TRUE]: 'boolean',
  [FALSE]: 'boolean',
  [NULL]: 'null',
}
const DEPTH = 128
/** Of the facts of one pattern: a policy that asks for more asks for the wrong thing. */
const MOST_FACTS = 1_000

interface Level {
  readonly array: boolean
  readonly names: Set<string>
  /** The patterns that lead here, and go on. */
  readonly leading: readonly number[]
  /** The facts that are this very container. */
  readonly counts: readonly { members: number }[]
  /** What the value that comes next is called. */
  name: string
  members: number
}

/**
 * What `patterns` point to in `text`. Throws JsonProblem for what is not JSON, is nested deeper than `depth`, begins
 * with a byte order mark, holds a name twice in one object, a name that only case tells from one of the patterns', a NUL
 * or half a character.
 */
export function readFacts(
  text: Uint8Array,
  patterns: readonly PointerPattern[],
  depth: number = DEPTH,
): JsonFacts {
  const tokens = new JsonTokens({ depth })
  tokens.feed(text)
  tokens.finish()
  const found: JsonFact[][] = patterns.map(() => [])
  const folded = patterns.map(each => each.map(part => part && foldName(part)))
  const levels: Level[] = []
  const scratch = Buffer.allocUnsafe(text.length)
  let deepest = 0

  const textOf = (): string => {
    if (!tokens.escaped)
      return Buffer.from(text.buffer, text.byteOffset).toString('utf8', tokens.start, tokens.end)
    return scratch.toString('utf8', 0, decodeString(text, tokens.start, tokens.end, scratch, 0))
  }
  const fail = (fault: JsonProblem['fault']): never => {
    throw new JsonProblem(fault, tokens.start)
  }

  const begin = (token: Token): void => {
    const level = levels.at(-1)
    if (level !== undefined) level.members++
    const at = levels.length
    const name = level === undefined ? '' : level.array ? String(level.members - 1) : level.name
    const all = level === undefined ? patterns.map((_, index) => index) : level.leading
    const leading: number[] = []
    const counts: { members: number }[] = []
    for (const index of all) {
      const pattern = patterns[index]!
      if (at > 0) {
        const part = pattern[at - 1]
        if (part !== undefined && part !== name) {
          if (level?.array !== true && foldName(name) === folded[index]![at - 1]) fail('variant')
          continue
        }
      }
      if (pattern.length > at) {
        leading.push(index)
        continue
      }
      const kind = KINDS[token]!
      const fact = {
        kind,
        text:
          kind === 'string'
            ? textOf()
            : kind === 'number' || kind === 'boolean'
              ? Buffer.from(text.buffer, text.byteOffset).toString(
                  'latin1',
                  tokens.start,
                  tokens.end,
                )
              : '',
        members: 0,
      }
      if (found[index]!.push(fact) > MOST_FACTS) fail('too_long')
      counts.push(fact)
    }
    if (token === OBJECT || token === ARRAY) {
      levels.push({
        array: token === ARRAY,
        names: new Set(),
        leading,
        counts,
        name: '',
        members: 0,
      })
      deepest = Math.max(deepest, levels.length)
    }
  }

  for (;;) {
    const token = tokens.next()
    if (tokens.marked) fail('mark')
    if (tokens.nul) fail('nul')
    if (tokens.lone) fail('surrogate')
    switch (token) {
      case NEED:
      case END:
        return { found, depth: deepest }
      case NAME: {
        const level = levels.at(-1)!
        level.name = textOf()
        if (level.names.has(level.name)) fail('duplicate')
        level.names.add(level.name)
        break
      }
      case OBJECT_END:
      case ARRAY_END: {
        const level = levels.pop()!
        for (const fact of level.counts) fact.members = level.members
        break
      }
      default:
        begin(token)
    }
  }
}
