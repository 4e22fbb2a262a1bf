// What a GraphQL request asks for: the type of its operation and the fields at its root, through every fragment. Its
// cost is bounded before anything is worked out; what cannot be told is refused.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
} from 'graphql'
import { InvalidRequest } from '#model'
import { namesAnotherText } from './persisted-query.ts'

export interface GraphqlLimits {
  readonly tokens: number
  readonly depth: number
  readonly aliases: number
  /** Requests in one body. */
  readonly batch: number
}

export const graphqlLimits: GraphqlLimits = { tokens: 10_000, depth: 15, aliases: 100, batch: 1 }

/** As the body (or the query string) has it. */
export interface GraphqlRequest {
  readonly query?: unknown
  readonly operationName?: unknown
  readonly extensions?: unknown
}

export interface GraphqlField {
  readonly name: string
  /** Names of all fields below it, each once. */
  readonly below: readonly string[]
}

export interface GraphqlOperation {
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly name: string
  readonly fields: readonly GraphqlField[]
}

/** Fields that are looked at below one root, fragments counted as often as they are used. */
const MOST_FIELDS = 5_000

/** Throws InvalidRequest. */
export function readGraphql(
  request: GraphqlRequest,
  limits: GraphqlLimits = graphqlLimits,
): GraphqlOperation {
  const { query, operationName, extensions } = request
  if (typeof query !== 'string' || query.trim() === '') {
    const hashed = typeof extensions === 'object' && extensions !== null
    throw refused(
      hashed
        ? 'a persisted query without its text cannot be judged: send the text'
        : 'there is no query text',
    )
  }
  if (namesAnotherText(request, query))
    throw refused('it names another text than the one it brings, and either may run: send the text')
  const asked = operationName === undefined || operationName === null ? '' : operationName
  if (typeof asked !== 'string') throw refused('operationName is not text')
  let document: DocumentNode
  try {
    document = parse(query, { maxTokens: limits.tokens, noLocation: true })
  } catch (cause) {
    // Not passed over: it is the client's, and what cannot be read is refused.
    throw refused('the GraphQL text cannot be read, or is too long', cause)
  }
  const fragments = new Map<string, FragmentDefinitionNode>()
  const operations: OperationDefinitionNode[] = []
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition)
    else if (definition.kind !== Kind.FRAGMENT_DEFINITION)
      throw refused('only operations and fragments are served')
    else if (fragments.has(definition.name.value)) throw refused('a fragment is there twice')
    else fragments.set(definition.name.value, definition)
  }
  const operation = chosen(operations, asked)
  const reading = new Reading(fragments, limits)
  return {
    type: operation.operation,
    name: operation.name?.value ?? '',
    fields: reading.roots(operation.selectionSet),
  }
}

function chosen(
  operations: readonly OperationDefinitionNode[],
  name: string,
): OperationDefinitionNode {
  const found = name === '' ? operations : operations.filter(each => each.name?.value === name)
  const [operation] = found
  if (operation === undefined || found.length > 1)
    throw refused('the request does not say which one operation runs')
  return operation
}

class Reading {
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #limits: GraphqlLimits
  #aliases = 0
  #fields = 0

  constructor(fragments: ReadonlyMap<string, FragmentDefinitionNode>, limits: GraphqlLimits) {
    this.#fragments = fragments
    this.#limits = limits
  }

  roots(selections: SelectionSetNode): readonly GraphqlField[] {
    const roots = new Map<string, Set<string>>()
    this.#walk(selections, 1, [], (name, below) => {
      const known = roots.get(name) ?? new Set<string>()
      roots.set(name, known)
      if (below !== undefined)
        this.#walk(below, 2, [], (each, more, depth, spread) => {
          known.add(each)
          return more === undefined ? undefined : { more, depth, spread }
        })
      return undefined
    })
    return [...roots].map(([name, below]) => ({ name, below: [...below] }))
  }

  /** Calls for each field; what it gives back is walked as well. */
  #walk(
    { selections }: SelectionSetNode,
    depth: number,
    spreads: readonly string[],
    take: (
      name: string,
      below: SelectionSetNode | undefined,
      depth: number,
      spreads: readonly string[],
    ) => { more: SelectionSetNode; depth: number; spread: readonly string[] } | undefined,
  ): void {
    if (depth > this.#limits.depth) throw refused(`it is deeper than ${this.#limits.depth} levels`)
    for (const selection of selections) {
      this.#fields += 1
      if (this.#fields > MOST_FIELDS) throw refused(`it asks for more than ${MOST_FIELDS} fields`)
      if (selection.kind === Kind.FIELD) {
        if (selection.alias !== undefined) this.#aliases += 1
        if (this.#aliases > this.#limits.aliases)
          throw refused(`it has more than ${this.#limits.aliases} aliases`)
        const next = take(selection.name.value, selection.selectionSet, depth + 1, spreads)
        if (next !== undefined) this.#walk(next.more, next.depth, next.spread, take)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        this.#walk(selection.selectionSet, depth, spreads, take)
      } else {
        const name = selection.name.value
        const fragment = this.#fragments.get(name)
        if (fragment === undefined) throw refused('it uses a fragment that is not there')
        if (spreads.includes(name)) throw refused('its fragments go round in a circle')
        this.#walk(fragment.selectionSet, depth, [...spreads, name], take)
      }
    }
  }
}

function refused(message: string, cause?: unknown): InvalidRequest {
  return new InvalidRequest('statement_unreadable', `GraphQL: ${message}`, { cause })
}
