// What policies ask of a body, by the names of its fields wherever they stand: in pods, in the templates of workloads and
// in whatever else has the shape of one. A name too many found is a refusal too many at worst; one that is missed is a hole.
import { foldName } from '#engines/json'
import { InvalidRequest } from '#model'
import { isList, isObject, scalarText, type Tree, textAt } from './tree.ts'

/** All values of a fact, in the order of the text; none twice. */
export type BodyFacts = Map<string, string[]>

/** Of one fact. */
const MOST = 1_000
/** Fields whose value is a fact, wherever they stand and in whichever case: careless readers take them so. */
const BY_NAME: ReadonlyMap<string, string> = new Map(
  [
    ...['privileged', 'allowPrivilegeEscalation', 'hostNetwork', 'hostPID', 'hostIPC', 'hostUsers'],
    ...['hostProcess', 'hostPath', 'hostPort', 'runAsUser', 'procMount', 'nodeName'],
    ...['serviceAccountName', 'runtimeClassName', 'shareProcessNamespace'],
  ].map(name => [foldName(name), name]),
)
const OTHERWISE: ReadonlyMap<string, string> = new Map([
  ['image', 'images'],
  ['serviceaccount', 'serviceAccountName'],
  ['secretname', 'secrets'],
])
/** The same by the field around them: `hostPath: { path }`, `capabilities: { add }`. */
const INSIDE: ReadonlyMap<string, string> = new Map([
  ['hostpath/path', 'hostPath'],
  // A volume of a node's own folder.
  ['local/path', 'hostPath'],
  ['image/reference', 'images'],
  ['capabilities/add', 'capabilities'],
  ['secret/name', 'secrets'],
  ['secrets/name', 'secrets'],
  ['imagepullsecrets/name', 'secrets'],
])
const SECRET_REFERENCE = /secret(?:key)?ref$/
/** Where they stand in the whole object. */
const BY_PATH: ReadonlyMap<string, string> = new Map([
  ['spec/replicas', 'replicas'],
  ['type', 'type'],
  ['spec/type', 'type'],
])
/** Of rights; the same words mean other things elsewhere. */
const RIGHTS: ReadonlyMap<string, string> = new Map([
  ['verbs', 'ruleVerbs'],
  ['resources', 'ruleResources'],
  ['apigroups', 'ruleGroups'],
])
const REFERENCES: ReadonlyMap<string, string> = new Map([
  ['roleref', 'roleRef'],
  ['subjects', 'subjects'],
])
const OPTIONS = ['dryRun', 'propagationPolicy', 'gracePeriodSeconds', 'orphanDependents']

export interface Looking {
  /** The object is about rights: roles and bindings. */
  readonly rights: boolean
}

/** Adds what `tree` says that stands in the object behind `names`. Throws InvalidRequest. */
export function addFacts(
  facts: BodyFacts,
  tree: Tree | undefined,
  names: readonly string[],
  looking: Looking,
): void {
  if (tree === undefined) return
  const key = foldName(names.at(-1) ?? '')
  const around = foldName(names.at(-2) ?? '')
  if (isList(tree)) {
    for (const item of tree) addFacts(facts, item, names, looking)
    return
  }
  if (isObject(tree)) {
    if (key === 'hostpath' && tree.size === 0) addFact(facts, 'hostPath', '')
    const reference = looking.rights ? REFERENCES.get(key) : undefined
    if (reference !== undefined) addFact(facts, reference, referenceIn(tree))
    else for (const [name, value] of tree) addFacts(facts, value, [...names, name], looking)
    return
  }
  const text = scalarText(tree)
  if (text === undefined) return
  const fact =
    BY_NAME.get(key) ??
    OTHERWISE.get(key) ??
    INSIDE.get(`${around}/${key}`) ??
    (key === 'name' && SECRET_REFERENCE.test(around) ? 'secrets' : undefined) ??
    BY_PATH.get(names.join('/')) ??
    (looking.rights ? (RIGHTS.get(key) ?? REFERENCES.get(around)) : undefined)
  if (fact !== undefined) addFact(facts, fact, text)
  if (names.length === 3 && names[0] === 'metadata' && names[1] === 'labels')
    addFact(facts, 'labels', `${names[2]}=${text}`)
}

/** How something is deleted, or only tried: of options in a body. */
export function addOptions(facts: BodyFacts, options: Tree | undefined): void {
  if (!isObject(options)) return
  for (const name of OPTIONS) {
    const value = options.get(name)
    for (const each of isList(value) ? value : [value]) {
      const text = scalarText(each)
      if (text !== undefined) addFact(facts, name, text)
    }
  }
}

export function addFact(facts: BodyFacts, name: string, text: string): void {
  const known = facts.get(name)
  if (known === undefined) facts.set(name, [text])
  else if (!known.includes(text)) {
    if (known.length >= MOST)
      throw new InvalidRequest(
        'statement_too_large',
        `a body may have ${MOST} different values of ${name} at most`,
      )
    known.push(text)
  }
}

/** `ClusterRole/cluster-admin`, `ServiceAccount/default/builder`. */
function referenceIn(tree: Tree): string {
  return [textAt(tree, 'kind'), textAt(tree, 'namespace'), textAt(tree, 'name')]
    .filter(part => part !== undefined)
    .join('/')
}
