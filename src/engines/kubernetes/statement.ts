// A request to a cluster as a Statement: one operation on one object, decided by what the API server will do, and what its
// body says in words and in facts.
import { keptRequest } from '#engines/http'
import { InvalidRequest, type Operation, type Statement } from '#model'
import { actionOf, isConversation, leadsElsewhere } from './actions.ts'
import { askedFields } from './asked-fields.ts'
import { type ForwardedBody, type ReadBody, readShownBody } from './body.ts'
import type { BodyFacts } from './body-facts.ts'
import { commandLine } from './command-line.ts'
import { flagsOf } from './flags.ts'
import { namedValues } from './named-values.ts'
import { nameOf, objectOf } from './objects.ts'
import { portsOf, tunnelEnd } from './port-forward.ts'
import { type AskedBody, bodyOf, factsOf, readSentBody } from './request-body.ts'
import { isBuiltIn, type RequestInfo, requestInfo } from './request-info.ts'
import { readStatementText, statementText } from './statement-text.ts'
import { type Tree, textAt } from './tree.ts'

export interface AskedOfCluster {
  readonly method: string
  /** As the request line has it. */
  readonly path: string
  readonly query: string | undefined
  /** The content type and encoding; undefined: none was said. */
  readonly type: string | undefined
  readonly encoding?: string | undefined
  readonly body: AskedBody
  /** In lower case: `websocket`, `spdy/3.1`. */
  readonly upgrade?: string | undefined
}

export interface ClusterRequest {
  readonly info: RequestInfo
  readonly statement: Statement
  /** What has to go on in the place of the body that came. */
  readonly forward?: ForwardedBody
}

/** Throws InvalidRequest for what cannot be told. */
export function readRequest(asked: AskedOfCluster): ClusterRequest {
  const info = requestInfo(asked.method, asked.path, asked.query)
  checkUpgrade(info, asked.upgrade)
  const body = bodyOf(info, asked.body, bytes =>
    readSentBody(info, asked.type, asked.encoding, bytes),
  )
  const forward = body?.forward === undefined ? {} : { forward: body.forward }
  return { info, statement: statementOf(info, asked, body), ...forward }
}

/** The statement that a text tells of: `METHOD /path?query`, a blank line, and what is sent or run. Throws InvalidRequest. */
export function readStatement(text: string): Statement {
  const asked = readStatementText(text)
  const info = requestInfo(asked.method, asked.path, asked.query)
  checkUpgrade(info, asked.upgrade)
  const body = bodyOf(info, asked.body, bytes =>
    readShownBody(info.verb, Buffer.from(bytes).toString()),
  )
  return statementOf(info, asked, body)
}

/** One more port of a tunnel that is open: it is decided before anything flows there. Throws InvalidRequest. */
export function portStatement(asked: AskedOfCluster, port: number): Statement {
  const query = `ports=${port}`
  const info = requestInfo(asked.method, asked.path, query)
  return statementOf(info, { ...asked, query, body: { kind: 'none' } }, undefined)
}

/** False: what its body holds is between the client and what a proxy leads to. */
export function readsBody(info: RequestInfo): boolean {
  return !leadsElsewhere(info)
}

function statementOf(
  info: RequestInfo,
  asked: Omit<AskedOfCluster, 'encoding'>,
  body: ReadBody | undefined,
): Statement {
  const facts = factsOf(info, body)
  const words = wordsOf(info)
  if (words !== undefined) {
    facts.set('command', [...words])
    facts.set('program', [words[0]!])
    facts.set('commandLine', [commandLine(words)])
  }
  const name = nameOf(info).name || (body?.sort === 'object' ? newName(info, body.tree) : '')
  const upgraded = asked.upgrade !== undefined
  const operations = operationsOf(info, name, facts, upgraded)
  const text = statementText(info, asked, body, words)
  const fields = askedFields(info, body)
  // What goes through a proxy both ways is read by nobody here: nobody can say yes to it.
  const unread = asked.body.kind === 'stream' || (upgraded && !isConversation(info))
  return {
    text,
    operations,
    functions: [],
    phase: 'execute',
    mayDeriveFrom: [],
    named: namedValues(info, name, facts),
    kept: look => keptRequest({ text, operations }, look),
    ...(words === undefined ? {} : { parameters: words.slice(1).map(parameterOf) }),
    ...(unread ? { unread } : {}),
    ...(fields.length === 0 ? {} : { fieldsAsked: fields }),
  }
}

function checkUpgrade(info: RequestInfo, upgrade: string | undefined): void {
  if (upgrade === undefined || leadsElsewhere(info) || isConversation(info)) return
  // An aggregated API may have conversations of its own (consoles of virtual machines).
  if (info.subresource !== '' && !isBuiltIn(info.group)) return
  throw new InvalidRequest(
    'statement_unsupported',
    'an upgrade of the connection is not served here',
    { hint: 'Lists are watched and logs are followed over plain HTTP.' },
  )
}

/** The words of what runs. Undefined: nothing is run by words. */
function wordsOf(info: RequestInfo): readonly string[] | undefined {
  if (info.subresource !== 'exec') return undefined
  const words = info.parameters.get('command') ?? []
  if (words[0] === undefined || words[0] === '')
    throw new InvalidRequest('statement_unreadable', 'the request has no command to run')
  return words
}

/** What is made is called so by its body. */
function newName({ verb, subresource }: RequestInfo, tree: Tree): string {
  const name = textAt(tree, 'metadata', 'name') ?? ''
  return verb === 'create' && subresource === '' && !/[/\\%;\p{Cc}]/u.test(name) ? name : ''
}

function operationsOf(
  info: RequestInfo,
  name: string,
  facts: BodyFacts,
  upgraded: boolean,
): readonly Operation[] {
  const action = actionOf(info, upgraded)
  const { verb, resource } = info
  const below = verb === 'proxy' ? 'proxy' : info.subresource
  const operation: Operation = {
    action,
    verb: below === '' ? verb : `${resource}/${below}`,
    object: objectOf(info, name),
    columns: [],
    flags: flagsOf(info, facts),
    category: verb,
  }
  if (action !== 'tunnel') return [operation]
  const ports = portsOf(info)
  const ends = ports.length === 0 ? [undefined] : ports
  return ends.map(port => ({ ...operation, tunnel: tunnelEnd(name, port) }))
}

function parameterOf(word: string) {
  return { type: 'word', format: 'text' as const, value: Buffer.from(word) }
}
