// The body of a request as what it does to the object on the URL: which requests have one, and what policies ask of it.
import type { AskedBody as UnreadBody } from '#engines/http'
import { InvalidRequest } from '#model'
import { isAboutRights, isConversation, leadsElsewhere } from './actions.ts'
import { checkAgreement } from './agreement.ts'
import { type ReadBody, readBody } from './body.ts'
import { addFact, addFacts, addOptions, type BodyFacts } from './body-facts.ts'
import { isDeletion } from './flags.ts'
import { readSteps } from './json-patch.ts'
import type { RequestInfo } from './request-info.ts'
import { isList, isObject, type Tree } from './tree.ts'

/** `whole`: as it is sent; else what is known of it, where nobody here reads it (`readsBody`). */
export type AskedBody = UnreadBody | { readonly kind: 'whole'; readonly bytes: Uint8Array }

const OPTIONS = ['dryRun', 'propagationPolicy', 'gracePeriodSeconds', 'orphanDependents'] as const
/** What they hold is anybody's words, and no pods. */
const FREE: ReadonlySet<string> = new Set(['configmaps', 'secrets', 'events'])

/** Undefined: there is none, or it is between the client and what a proxy leads to. Throws InvalidRequest. */
export function bodyOf(
  info: RequestInfo,
  body: AskedBody,
  read: (bytes: Uint8Array) => ReadBody,
): ReadBody | undefined {
  // Clients of streams send a POST of no bytes.
  const isNone = body.kind === 'none' || (body.kind === 'whole' && body.bytes.length === 0)
  if (isNone || leadsElsewhere(info)) return undefined
  const { verb } = info
  if (!info.isResource || isConversation(info) || ['get', 'list', 'watch'].includes(verb))
    throw new InvalidRequest('statement_unsupported', 'a body here means nothing to an API server')
  if (body.kind !== 'whole')
    throw new InvalidRequest('statement_too_large', 'the body is longer than is read here')
  const found = read(body.bytes)
  if (isDeletion(info)) checkOptions(info)
  else if (found.sort !== 'steps') checkAgreement(info, found.tree, found.sort === 'object')
  return found
}

/** `encoding`: the content encoding; undefined: none was said. Throws InvalidRequest. */
export function readSentBody(
  { verb }: RequestInfo,
  type: string | undefined,
  encoding: string | undefined,
  bytes: Uint8Array,
): ReadBody {
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity')
    throw new InvalidRequest('message_unsupported', 'compressed bodies are not served here')
  return readBody(verb, type, bytes)
}

/** What policies ask of a request's body, and of its parameters of the same meaning. */
export function factsOf(info: RequestInfo, body: ReadBody | undefined): BodyFacts {
  const facts: BodyFacts = new Map()
  if (body !== undefined) addBody(facts, info, body)
  for (const name of OPTIONS)
    for (const value of info.parameters.get(name) ?? []) addFact(facts, name, value)
  return facts
}

function addBody(facts: BodyFacts, info: RequestInfo, { sort, tree }: ReadBody): void {
  if (isDeletion(info)) {
    addOptions(facts, tree)
    return
  }
  if (info.subresource === 'eviction' && isObject(tree))
    addOptions(facts, tree.get('deleteOptions'))
  const looking = { rights: isAboutRights(info) }
  const free = info.group === '' && FREE.has(info.resource)
  if (sort !== 'steps' || !isList(tree)) addFacts(facts, free ? around(tree) : tree, [], looking)
  else
    for (const { op, names, value } of readSteps(tree)) {
      if (op !== 'add' && op !== 'replace') continue
      if (!free || isAround(names[0])) addFacts(facts, value, names, looking)
      else if (names.length === 0) addFacts(facts, around(value), names, looking)
    }
}

function isAround(name: string | undefined): boolean {
  return name === 'metadata' || name === 'type'
}

function around(tree: Tree | undefined): Tree | undefined {
  return isObject(tree) ? new Map([...tree].filter(([name]) => isAround(name))) : undefined
}

/** An API server reads the options of a deletion from its body, and passes over those of the URL then. */
function checkOptions({ parameters }: RequestInfo): void {
  const passed = OPTIONS.find(name => parameters.has(name))
  if (passed !== undefined)
    throw new InvalidRequest(
      'statement_unreadable',
      `${passed} stands on the URL, and the body has options too: an API server would not look at the URL`,
    )
}
