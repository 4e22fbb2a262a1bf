// Path templates: which operation a path means. Concrete segments win over templated ones, as OpenAPI has it; a path
// that no template fits is unknown, and that is for the caller to refuse.
import { foldName } from '#engines/json'
import { type Action, ConfigurationError } from '#model'

/** What may stand for a templated segment. */
export type SegmentType =
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'uuid'
  | 'date'
  | { readonly oneOf: readonly string[] }

export interface Route {
  /** Upper case. */
  readonly method: string
  /** `/customers/{id}/orders/{order}:cancel`. */
  readonly template: string
  readonly types?: ReadonlyMap<string, SegmentType>
  readonly action: Action
  /** What policies call it: `Object::"RESOURCE/NAME"`. */
  readonly name: string
  /** `operation`: it has a name of its own; `route`: the template is its name. */
  readonly kind: 'operation' | 'route'
}

export interface FoundRoute {
  readonly route: Route
  /** The values of the templated segments, decoded. */
  readonly values: ReadonlyMap<string, string>
}

type Part = { readonly literal: string } | { readonly name: string; readonly type: SegmentType }

interface Pattern {
  readonly text: string
  readonly parts: readonly Part[]
  /** The same in one spelling (`careless`). */
  readonly alike: readonly Part[]
  /** Letters that are fixed, and then whether its values are narrowed: the more, the earlier it is tried. */
  readonly rank: number
  readonly node: Node
}

interface Node {
  readonly literals: Map<string, Node>
  /** The same by their careless spellings (`careless`). */
  readonly alike: Map<string, Node[]>
  patterns: Pattern[]
  readonly routes: Map<string, Route>
}

/** A table of at most so many: an API has fewer. */
const MOST_ROUTES = 20_000

export class RouteTable {
  readonly #root = emptyNode()
  #size = 0

  /** Throws ConfigurationError. */
  constructor(routes: readonly Route[]) {
    for (const route of routes) this.#add(route)
  }

  get size(): number {
    return this.#size
  }

  /** `segments`: decoded, of a path without its first slash. HEAD is what GET is, where nothing else is said. */
  find(method: string, segments: readonly string[]): FoundRoute | undefined {
    return (
      this.#find(method, segments) ?? (method === 'HEAD' ? this.#find('GET', segments) : undefined)
    )
  }

  #find(method: string, segments: readonly string[]): FoundRoute | undefined {
    return search(this.#root, segments, 0, [], ({ routes }) => routes.get(method))
  }

  /**
   * All that servers may take a path for which are careless about it: what is written out in a template is there in other
   * letters, too. Where none is, what a template fits.
   */
  alike(method: string, segments: readonly string[]): readonly Route[] {
    const of = ({ routes }: Node) =>
      routes.get(method) ?? (method === 'HEAD' ? routes.get('GET') : undefined)
    return searchAlike(this.#root, segments.map(careless), 0, of)
  }

  #add(route: Route): void {
    if (!route.template.startsWith('/'))
      throw invalid(`the path ${route.template} has no leading /`)
    this.#size += 1
    if (this.#size > MOST_ROUTES) throw invalid(`more than ${MOST_ROUTES} operations`)
    let node = this.#root
    const names = new Set<string>()
    for (const segment of route.template.slice(1).split('/'))
      node = step(node, segment, route, names)
    if (node.routes.has(route.method))
      throw invalid(`${route.method} ${route.template} is there twice`)
    node.routes.set(route.method, route)
  }
}

function emptyNode(): Node {
  return { literals: new Map(), alike: new Map(), patterns: [], routes: new Map() }
}

function step(node: Node, segment: string, route: Route, names: Set<string>): Node {
  if (!/[{}]/.test(segment)) {
    const literal = decodeSegment(segment) ?? segment
    let known = node.literals.get(literal)
    if (known === undefined) {
      known = emptyNode()
      node.literals.set(literal, known)
      const alike = careless(literal)
      node.alike.set(alike, [...(node.alike.get(alike) ?? []), known])
    }
    return known
  }
  const parts = partsOf(segment, route, names)
  // Names of segments do not tell templates apart; what may stand there does.
  const text = parts
    .map(part => ('literal' in part ? part.literal : JSON.stringify([part.type])))
    .join('\0')
  const known = node.patterns.find(each => each.text === text)
  if (known !== undefined) return known.node
  const letters = parts.reduce(
    (sum, part) => sum + ('literal' in part ? part.literal.length : 0),
    0,
  )
  const narrow = parts.some(part => 'type' in part && part.type !== 'string') ? 1 : 0
  const alike = parts.map(alikePart)
  const pattern = { text, parts, alike, rank: letters * 2 + narrow, node: emptyNode() }
  node.patterns = [...node.patterns, pattern].sort((a, b) => b.rank - a.rank)
  return pattern.node
}

function alikePart(part: Part): Part {
  if ('literal' in part) return { literal: spelling(part.literal) }
  const { name, type } = part
  return typeof type === 'object' ? { name, type: { oneOf: type.oneOf.map(spelling) } } : part
}

function partsOf(segment: string, route: Route, names: Set<string>): readonly Part[] {
  const parts: Part[] = []
  for (const piece of segment.split(/(\{[^{}]*\})/)) {
    if (piece === '') continue
    if (!/^\{.*\}$/.test(piece)) {
      if (/[{}]/.test(piece)) throw invalid(`${route.template} has a brace that does not close`)
      parts.push({ literal: piece })
      continue
    }
    const name = piece.slice(1, -1)
    if (name === '' || names.has(name)) throw invalid(`${route.template} needs a name for each {}`)
    if (parts.length > 0 && 'name' in parts[parts.length - 1]!)
      throw invalid(`${route.template} does not say where one value ends and the next begins`)
    names.add(name)
    parts.push({ name, type: route.types?.get(name) ?? 'string' })
  }
  return parts
}

/** Every node is one way to write a beginning of the path, so a search looks at no node twice. */
function search(
  node: Node,
  segments: readonly string[],
  at: number,
  values: readonly (readonly [string, string])[],
  routeOf: (node: Node) => Route | undefined,
): FoundRoute | undefined {
  if (at === segments.length) {
    const route = routeOf(node)
    return route === undefined ? undefined : { route, values: new Map(named(route, values)) }
  }
  const segment = segments[at]!
  const literal = node.literals.get(segment)
  const found = literal && search(literal, segments, at + 1, values, routeOf)
  if (found !== undefined) return found
  for (const pattern of node.patterns) {
    const matched = match(pattern.parts, segment)
    if (matched === undefined) continue
    const below = search(pattern.node, segments, at + 1, [...values, ...matched], routeOf)
    if (below !== undefined) return below
  }
  return undefined
}

/** As a server reads it that cuts `;…` off, and neither cares for letters' case nor for dots and blanks at an end. */
export function careless(segment: string): string {
  const [bare = ''] = segment.split(';')
  return spelling(bare).replace(/[\s.]+$/u, '')
}

function spelling(text: string): string {
  return foldName(text.normalize('NFKC'))
}

/** Those of the first way that leads anywhere, in the order of `search`. */
function searchAlike(
  node: Node,
  segments: readonly string[],
  at: number,
  routeOf: (node: Node) => Route | undefined,
): readonly Route[] {
  if (at === segments.length) {
    const route = routeOf(node)
    return route === undefined ? [] : [route]
  }
  const segment = segments[at]!
  const spelled = (node.alike.get(segment) ?? []).flatMap(each =>
    searchAlike(each, segments, at + 1, routeOf),
  )
  if (spelled.length > 0) return spelled
  for (const { alike, node: below } of node.patterns) {
    if (match(alike, segment) === undefined) continue
    const found = searchAlike(below, segments, at + 1, routeOf)
    if (found.length > 0) return found
  }
  return []
}

/** Templates share their nodes, and each has names of its own for what stands there. */
function* named(route: Route, values: readonly (readonly [string, string])[]) {
  const names = [...route.template.matchAll(/\{([^{}]+)\}/g)].map(found => found[1]!)
  for (const [index, [, value]] of values.entries()) yield [names[index]!, value] as const
}

/** The values, in order; undefined when it does not fit. A literal after a value is looked for from the end. */
function match(
  parts: readonly Part[],
  segment: string,
): readonly (readonly [string, string])[] | undefined {
  const values: [string, string][] = []
  let at = 0
  for (const [index, part] of parts.entries()) {
    if ('literal' in part) {
      if (!segment.startsWith(part.literal, at)) return undefined
      at += part.literal.length
      continue
    }
    const next = parts[index + 1]
    const last = index + 2 >= parts.length
    const end =
      next === undefined || !('literal' in next)
        ? segment.length
        : last
          ? segment.length - next.literal.length
          : segment.indexOf(next.literal, at + 1)
    if (end <= at) return undefined
    const value = segment.slice(at, end)
    if (!fits(part.type, value)) return undefined
    values.push([part.name, value])
    at = end
  }
  return at === segment.length ? values : undefined
}

function fits(type: SegmentType, value: string): boolean {
  if (typeof type === 'object') return type.oneOf.includes(value)
  return value !== '' && (shapes[type]?.test(value) ?? true)
}

const shapes: Partial<Record<string, RegExp>> = {
  integer: /^-?(?:0|[1-9]\d{0,18})$/,
  number: /^-?\d{1,32}(?:\.\d{1,32})?$/,
  boolean: /^(?:true|false)$/,
  uuid: /^[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}$/,
  date: /^\d{4}-\d{2}-\d{2}$/,
}

/** Undefined: its escapes are not UTF-8. */
export function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    // Safe: what cannot be decoded is refused by whoever asked.
    return undefined
  }
}

function invalid(message: string): ConfigurationError {
  return new ConfigurationError('configuration_invalid', message)
}
