// Kubeconfig files: how kubectl, helm, k9s and all that is built on client-go find us. Texts only: it reads and writes no file.
import { Document, isAlias, isMap, isSeq, parseDocument, type YAMLMap, type YAMLSeq } from 'yaml'

import { InvalidRequest, type LastingEntry, type ToolFile } from '#model'
import { serverOf } from './connect-hint.ts'
import { credentialPlugin } from './credential-plugin.ts'

/** What a list of the file calls the value of an entry. */
const LISTS = { clusters: 'cluster', users: 'user', contexts: 'context' } as const
type List = keyof typeof LISTS

export const kubeconfig: ToolFile = {
  variable: 'KUBECONFIG',
  name: 'kubeconfig',
  plugin: credentialPlugin,
  local: endpoint => {
    const name = endpoint.resource
    const document = empty()
    put(document, 'clusters', name, { server: serverOf(endpoint, { plain: true }) })
    // It has no credential: whoever holds the port is known.
    put(document, 'users', name, {})
    put(document, 'contexts', name, { cluster: name, user: name })
    document.set('current-context', name)
    return document.toString()
  },
  lasting: (entry, existing) => {
    try {
      return lasting(entry, existing)
    } catch (error) {
      if (error instanceof InvalidRequest) throw error
      // What an anchor, an alias or a tag leads to is told only when it is followed.
      throw unreadable(error instanceof Error ? error.message : 'it cannot be read')
    }
  },
}

function lasting(entry: LastingEntry, existing: string | undefined) {
  const document = existing === undefined || existing.trim() === '' ? empty() : read(existing)
  const name = `sallyport-${entry.resource}`
  const server = serverOf(entry)
  refuseOthers(document, name, entry.resource)
  const before = found(document, 'clusters', name)?.getIn(['cluster', 'server'])
  put(document, 'clusters', name, {
    server,
    ...(entry.ca === undefined
      ? {}
      : { 'certificate-authority-data': Buffer.from(entry.ca).toString('base64') }),
  })
  put(document, 'users', name, {
    exec: {
      // Also kubectl 1.20 knows it; newer ones take it as they take v1.
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      command: entry.plugin.command,
      args: [...entry.plugin.args],
      // The client's standard input is the client's: what is piped into `kubectl apply -f -` is not read here.
      interactiveMode: 'Never',
      provideClusterInfo: false,
      installHint: `The sallyport command has moved: sallyport connect ${entry.resource} --write`,
    },
  })
  // A namespace that somebody chose stays.
  const context = found(document, 'contexts', name)?.get('context')
  if (isMap(context)) {
    context.set('cluster', name)
    context.set('user', name)
  } else put(document, 'contexts', name, { cluster: name, user: name })
  const current = document.get('current-context')
  const used = entry.use || !isText(current) || current === name
  if (used) document.set('current-context', name)
  return {
    // A line of base64 stays one; lists are indented as kubectl does it.
    text: document.toString({ lineWidth: 0, indentSeq: false }),
    ...(typeof before === 'string' && before !== server ? { replaced: before } : {}),
    ...(used ? {} : { select: `kubectl config use-context ${name}` }),
  }
}

function empty(): Document {
  return new Document({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [],
    users: [],
    contexts: [],
    'current-context': '',
  })
}

/** Throws InvalidRequest. */
function read(text: string): Document {
  const document = parseDocument(text)
  const [problem] = document.errors
  if (problem !== undefined) throw unreadable(problem.message.split('\n')[0] ?? '')
  if (!isMap(document.contents)) throw unreadable('it is no map')
  const [kind, version] = [document.get('kind'), document.get('apiVersion')]
  if ((isText(kind) && kind !== 'Config') || (isText(version) && version !== 'v1'))
    throw unreadable(`it is a ${String(kind)} of ${String(version)}`)
  for (const list of Object.keys(LISTS)) {
    const value = document.get(list)
    if (value !== undefined && value !== null && !isSeq(value))
      throw unreadable(`its ${list} are no list`)
    // Whose entry that is, is not seen, and one of its name beside it is one too many.
    if (isSeq(value) && value.items.some(isAlias)) throw unreadable(`its ${list} have an alias`)
  }
  return document
}

/** An entry is ours when its user runs our plugin for this resource. Throws InvalidRequest when there is one that is not. */
function refuseOthers(document: Document, name: string, resource: string): void {
  const taken = (Object.keys(LISTS) as List[]).filter(list => found(document, list, name))
  if (taken.length === 0) return
  const args = found(document, 'users', name)?.getIn(['user', 'exec', 'args'])
  const words: unknown[] = isSeq(args) ? args.toJS(document) : []
  const ours = words.includes(resource) && words.includes(`--${credentialPlugin.option}`)
  if (!ours)
    throw new InvalidRequest(
      'request_invalid',
      `The file has an entry "${name}" under ${taken.join(' and ')} that this command did not write.`,
      { hint: 'Rename that one, or name another file.' },
    )
}

function found(document: Document, list: List, name: string): YAMLMap | undefined {
  const entries = document.get(list)
  if (!isSeq(entries)) return undefined
  return entries.items.find(
    (item): item is YAMLMap => isMap(item) && String(item.get('name')) === name,
  )
}

function put(document: Document, list: List, name: string, value: object): void {
  const key = LISTS[list]
  const entry = found(document, list, name)
  if (entry !== undefined) {
    entry.set(key, document.createNode(value))
    return
  }
  if (!isSeq(document.get(list))) document.set(list, document.createNode([]))
  const entries = document.get(list) as YAMLSeq
  // `[]` would go on in one line.
  if (entries.items.length === 0) entries.flow = false
  entries.add(document.createNode({ name, [key]: value }))
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function unreadable(why: string): InvalidRequest {
  return new InvalidRequest('request_invalid', `The file is no kubeconfig: ${why}.`, {
    hint: 'It was left as it is.',
  })
}
