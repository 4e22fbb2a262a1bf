// PostgreSQL's text form of its own trees, as pg_rewrite keeps them: `{TYPE :field value ...}`, `(lists)`, tokens with
// backslashes before what would end them. Bounded; what is not of this form is undefined.

export interface Node {
  readonly type: string
  readonly fields: ReadonlyMap<string, Value>
}
/** Of values that are several tokens (the bytes of a constant) only the first counts. */
export type Value = Node | readonly Value[] | string

const DEEPEST = 2_000

export function readNodeTree(text: string): Value | undefined {
  const reader = new Reader(text)
  const value = reader.value(0)
  return reader.failed || reader.next() !== undefined ? undefined : value
}

export function isNode(value: Value | undefined): value is Node {
  return typeof value === 'object' && !Array.isArray(value)
}

export function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : []
}

class Reader {
  readonly #text: string
  #at = 0
  failed = false

  constructor(text: string) {
    this.#text = text
  }

  /** The next token; a brace or parenthesis is one by itself. */
  next(): string | undefined {
    const text = this.#text
    while (isBlank(text.charCodeAt(this.#at))) this.#at += 1
    const start = this.#at
    if (start >= text.length) return undefined
    if (isFrame(text.charCodeAt(start))) {
      this.#at += 1
      return text[start]
    }
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at)
      if (isBlank(code) || isFrame(code)) break
      this.#at += code === BACKSLASH ? 2 : 1
    }
    return text.slice(start, this.#at)
  }

  value(depth: number, token = this.next()): Value {
    if (token === undefined || token === '}' || token === ')' || depth > DEEPEST)
      return this.#fail()
    if (token === '{') return this.#node(depth)
    if (token !== '(') return token
    const list: Value[] = []
    for (let each = this.next(); each !== ')'; each = this.next()) {
      if (each === undefined || this.failed) return this.#fail()
      list.push(this.value(depth + 1, each))
    }
    return list
  }

  #node(depth: number): Value {
    const type = this.next() ?? ''
    const fields = new Map<string, Value>()
    let token = this.next()
    while (token !== '}') {
      if (token === undefined || this.failed || !token.startsWith(':')) return this.#fail()
      // A name may begin with a colon: what comes first behind a field is its value.
      fields.set(token.slice(1), this.value(depth + 1))
      token = this.next()
      while (token !== undefined && token !== '}' && !token.startsWith(':')) {
        this.value(depth + 1, token)
        token = this.next()
      }
    }
    return { type, fields }
  }

  #fail(): Value {
    this.failed = true
    return ''
  }
}

const BACKSLASH = 0x5c

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09
}

/** `(`, `)`, `{`, `}`. */
function isFrame(code: number): boolean {
  return code === 0x28 || code === 0x29 || code === 0x7b || code === 0x7d
}
