// A request's body as it is kept: values of fields whose names say that they are secrets are known by their hashes, and what those who
// read records may not see is out of it. Nothing is decided by it, and what goes on is the body as it came.
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import {
  ARRAY,
  ARRAY_END,
  decodeString,
  END,
  JsonProblem,
  JsonTokens,
  NAME,
  NEED,
  NUMBER,
  OBJECT,
  OBJECT_END,
  STRING,
} from '#engines/json'
import type { Look } from '#model'
import { keptQuery } from './kept-query.ts'
import { isSecretParameter, withoutSecretValues } from './secret-values.ts'

const HIDDEN = '****'
const DEPTH = 512
const MOST_NAMES = 1_000
const JSON_TYPE = /[/+](?:json|ndjson|x-ndjson)\b/i
const BOUNDARY = /^multipart\/[^;]*;.*\bboundary=(?:"([^"]+)"|([^\s;"]+))/i

export interface BodyLook extends Look {
  /** Names of fields that the operator adds to those that everybody knows, in lower case. */
  readonly secrets?: ReadonlySet<string> | undefined
}

/** `type`: what the request says that its body is. */
export function keptBody(text: string, type: string, look: BodyLook): string {
  return look.text(withoutFields(text, type, look))
}

function withoutFields(text: string, type: string, look: BodyLook): string {
  const [, quoted, boundary = quoted] = BOUNDARY.exec(type) ?? []
  if (boundary !== undefined) return keptParts(text, boundary, look)
  if (JSON_TYPE.test(type)) return keptJson(text, look) ?? hashed(text)
  const sniffed = /^\s*[[{]/.test(text) ? keptJson(text, look) : undefined
  if (sniffed !== undefined) return sniffed
  return /^[^\s=]+=\S*\s*$/.test(text)
    ? keptQuery(withoutSecretValues(text, look.secrets), look)
    : text
}

/** What stands in the place of a value of a field of this name; undefined: itself. */
function inPlaceOf(name: string, value: string, look: BodyLook): string | undefined {
  if (look.hidesName(name)) return HIDDEN
  return isSecretParameter(name, look.secrets) ? hashed(value) : undefined
}

/** Undefined: it is no JSON. */
function keptJson(text: string, look: BodyLook): string | undefined {
  const bytes = Buffer.from(text)
  const tokens = new JsonTokens({ depth: DEPTH, texts: 'many' })
  const pieces: string[] = []
  let from = 0
  let name: string | undefined
  /** Names come again and again. */
  const hides = new Map<string, boolean>()
  const isHidden = (called: string): boolean => {
    let known = hides.get(called)
    if (known === undefined) {
      known = inPlaceOf(called, '', look) !== undefined
      if (hides.size < MOST_NAMES) hides.set(called, known)
    }
    return known
  }
  /** Where the container begins that goes whole, how deep, and as what it is called. */
  let whole: { readonly at: number; readonly depth: number; readonly name: string } | undefined
  const replace = (start: number, end: number, called: string): void => {
    const shown = isHidden(called)
      ? inPlaceOf(called, bytes.toString('utf8', start, end), look)
      : undefined
    if (shown === undefined) return
    pieces.push(bytes.toString('utf8', from, start), `"${shown}"`)
    from = end
  }
  try {
    tokens.feed(bytes)
    for (let finished = false; ; ) {
      const token = tokens.next()
      if (token === END) break
      if (token === NEED) {
        if (finished) return undefined
        finished = true
        tokens.finish()
        continue
      }
      const { start, end, depth } = tokens
      if (whole !== undefined) {
        if ((token === OBJECT_END || token === ARRAY_END) && depth === whole.depth) {
          replace(whole.at, end, whole.name)
          whole = undefined
        }
        continue
      }
      if (token === NAME) {
        name = nameOf(tokens)
        continue
      }
      const called: string | undefined = name
      name = undefined
      if (called === undefined) continue
      if (token === STRING) replace(start - 1, end + 1, called)
      else if (token === NUMBER) replace(start, end, called)
      else if ((token === OBJECT || token === ARRAY) && isHidden(called))
        whole = { at: start, depth: depth - 1, name: called }
    }
  } catch (error) {
    // Not passed over: who asks is told that it is none.
    if (error instanceof JsonProblem) return undefined
    throw error
  }
  return from === 0 ? text : `${pieces.join('')}${bytes.toString('utf8', from)}`
}

function nameOf({ src, start, end, escaped }: JsonTokens): string {
  if (!escaped) return Buffer.from(src.subarray(start, end)).toString('utf8')
  const out = Buffer.alloc(end - start)
  return out.toString('utf8', 0, decodeString(src, start, end, out, 0))
}

/** Parts of a form by their names. (What cannot be read in one way only is refused where policies ask of it.) */
function keptParts(text: string, boundary: string, look: BodyLook): string {
  const dashes = `--${boundary}`
  return text
    .split(dashes)
    .map(part => {
      const [, head, value, end] = /^(\r?\n.*?\r?\n\r?\n)(.*?)(\r?\n)?$/s.exec(part) ?? []
      const [, quoted, name = quoted] =
        /\bname=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(head ?? '') ?? []
      if (head === undefined || value === undefined || name === undefined) return part
      const shown = inPlaceOf(name, value, look)
      return shown === undefined ? part : `${head}${shown}${end ?? ''}`
    })
    .join(dashes)
}

function hashed(value: string): string {
  return `[SHA-256:${createHash('sha256').update(value).digest('hex')}]`
}
