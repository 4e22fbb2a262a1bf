// What of a request policies ask as flags.
import type { Flag } from '#model'
import type { BodyFacts } from './body-facts.ts'
import { isOfTheCluster } from './objects.ts'
import { isBuiltIn, type RequestInfo } from './request-info.ts'
import { countRequirements, readFieldSelector } from './selectors.ts'

const SHELLS = /(?:^|\/)(?:ba|da|a|z|k|mk|c|tc|fi|pw)?sh$/

export function flagsOf(info: RequestInfo, facts: BodyFacts): readonly Flag[] {
  const { verb, subresource } = info
  const flags: Flag[] = []
  if (!info.isResource) return flags
  if (verb === 'deletecollection' && !isChosen(info)) flags.push('unfiltered')
  if (isDeletion(info) || subresource === 'eviction') flags.push('destructive')
  if (isOfAllNamespaces(info)) flags.push('bulk')
  // A shell reads what it runs from its words and its input; an attached program from its input.
  const [program] = facts.get('program') ?? []
  if (subresource === 'attach' || (program !== undefined && SHELLS.test(program)))
    flags.push('dynamic')
  if (isTried(info, facts)) flags.push('explain')
  return flags
}

export function isDeletion({ verb }: RequestInfo): boolean {
  return verb === 'delete' || verb === 'deletecollection'
}

function isChosen({ parameters }: RequestInfo): boolean {
  const chosen = (name: string): string => parameters.get(name)?.[0] ?? ''
  const terms = readFieldSelector(chosen('fieldSelector')).length
  return terms + countRequirements(chosen('labelSelector')) > 0
}

/** A resource that we do not know may be in namespaces. */
function isOfAllNamespaces(info: RequestInfo): boolean {
  const { verb, namespace, parts } = info
  const many = (verb === 'list' || verb === 'watch') && parts.length === 1
  return many && namespace === '' && !isOfTheCluster(info)
}

const TRIES: ReadonlySet<string> = new Set([
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
])
const TRIED: ReadonlySet<string> = new Set([
  '',
  'status',
  'scale',
  'eviction',
  'approval',
  'binding',
  'finalize',
  'resize',
])

/** Only tried, where API servers of Kubernetes try: others may pass over the word. */
function isTried({ group, verb, subresource }: RequestInfo, facts: BodyFacts): boolean {
  const said = facts.get('dryRun') ?? []
  const tries = isBuiltIn(group) && TRIES.has(verb) && TRIED.has(subresource)
  return tries && said.length === 1 && said[0] === 'All'
}
