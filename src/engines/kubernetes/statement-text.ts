// A request as one text: what is on record, what an approver reads, and what a yes is bound to; and back.
import { readRequestText, requestText } from '#engines/http'
import { InvalidRequest } from '#model'
import { leadsElsewhere } from './actions.ts'
import type { ReadBody } from './body.ts'
import { withoutSecrets } from './body-secrets.ts'
import { bodyText } from './body-text.ts'
import { commandLine, readCommandLine } from './command-line.ts'
import { readSteps } from './json-patch.ts'
import type { AskedBody } from './request-body.ts'
import { type RequestInfo, requestInfo } from './request-info.ts'
import { isList, isObject, type Tree } from './tree.ts'

export interface AskedInWords {
  readonly method: string
  readonly path: string
  readonly query: string | undefined
  readonly type: string | undefined
  readonly body: AskedBody
  readonly upgrade?: string | undefined
}

/** `words`: of what runs. */
export function statementText(
  info: RequestInfo,
  asked: AskedInWords,
  body: ReadBody | undefined,
  words: readonly string[] | undefined,
): string {
  const { method, path, type } = asked
  const below =
    words !== undefined
      ? commandLine(words)
      : body !== undefined
        ? bodyText(shownBody(info, body))
        : undefined
  // What a patch means, its type says; all other bodies are objects.
  const typed = body !== undefined && info.verb === 'patch' && type !== undefined
  return requestText({
    method,
    path,
    query: words === undefined ? asked.query : withoutCommand(asked.query ?? ''),
    fields: typed ? [['content-type', type]] : [],
    body: below !== undefined ? { kind: 'text', text: below } : unread(asked.body),
    ...(leadsElsewhere(info) ? { upgrade: asked.upgrade } : {}),
  })
}

/** What a text of ours, or one that a person wrote, asks. Throws InvalidRequest. */
export function readStatementText(text: string): AskedInWords {
  const { method, path, query, fields, body, upgrade } = readRequestText(text)
  const type = fields.find(([name]) => name === 'content-type')?.[1]
  const asked = { method, path, query, type, upgrade }
  const info = requestInfo(method, path, query)
  // What goes through a proxy is no tree to us, whatever it is.
  if (body.kind !== 'text' || leadsElsewhere(info)) return { ...asked, body }
  if (info.subresource !== 'exec')
    return { ...asked, body: { kind: 'whole', bytes: Buffer.from(body.text) } }
  const words = readCommandLine(body.text.trim())
  if (words === undefined)
    throw new InvalidRequest('statement_unreadable', 'the command does not read as one of words', {
      hint: 'Put a word that is more than letters, digits and any of _@%+=:,./- in single quotes.',
    })
  const parameters = words.map(word => `command=${encodeURIComponent(word.toWellFormed())}`)
  const whole = [...(query === undefined ? [] : [query]), ...parameters].join('&')
  return { ...asked, query: whole, body: { kind: 'none' } }
}

function unread(body: AskedBody) {
  return body.kind === 'whole' ? { kind: 'none' as const } : body
}

/** They stand below. Undefined: nothing else was asked. */
function withoutCommand(query: string): string | undefined {
  const rest = query.split('&').filter(pair => nameIn(pair) !== 'command')
  return rest.length === 0 ? undefined : rest.join('&')
}

function nameIn(pair: string): string {
  const [name = ''] = pair.split('=')
  // (The query was read before: it decodes.)
  return decodeURIComponent(name.replaceAll('+', ' '))
}

function shownBody(info: RequestInfo, { sort, tree }: ReadBody): Tree {
  if (sort !== 'steps' || !isList(tree)) return withoutSecrets(info, tree)
  const steps = readSteps(tree)
  return tree.map((step, index) =>
    isObject(step)
      ? new Map(
          [...step].map(([name, value]) => [
            name,
            name === 'value' ? withoutSecrets(info, value, steps[index]!.names) : value,
          ]),
        )
      : step,
  )
}
