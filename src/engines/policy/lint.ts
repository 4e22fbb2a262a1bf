// What is wrong with a set of policies although Cedar accepts it: names that do not exist, policies that cannot
// matter, and rules that look like a control and are none. Warnings: they never stop a set from loading.
import type { Json } from '#model'
import { knownAnnotations } from './annotations.ts'
import type { ActionPart, ScopePart } from './compile/policy.ts'
import { APPROVED, REASON, TEXT } from './facts-used.ts'
import type { Rule } from './rule.ts'
import { type Slice, type Token, unquote } from './tokens.ts'

/** The names that configuration knows, for warnings about others. */
export interface Vocabulary {
  readonly resources: readonly {
    readonly name: string
    readonly tags: Readonly<Record<string, string>>
  }[]
  readonly dataClasses: readonly string[]
}

/** A rule with its text. */
export interface Source {
  readonly rule: Rule
  readonly slice: Slice
}

/** A warning and the token it is about; without one, the policy as a whole. */
export interface Warning {
  readonly source: Source
  readonly message: string
  readonly token?: Token | undefined
}

export function lint(sources: readonly Source[], vocabulary?: Vocabulary): readonly Warning[] {
  const all = sources.flatMap(source => [
    ...annotationWarnings(source),
    ...nameWarnings(source, vocabulary),
    ...controlWarnings(source),
  ])
  return [...all, ...shadowWarnings(sources)]
}

function annotationWarnings(source: Source): readonly Warning[] {
  const { policy, annotations } = source.rule
  const warnings: Warning[] = []
  const about = (name: string, message: string) => {
    const found = source.slice.tokens.findIndex(
      (token, at) => token.text === name && source.slice.tokens[at - 1]?.text === '@',
    )
    warnings.push({ source, message, token: source.slice.tokens[found] })
  }
  for (const name of Object.keys(policy.annotations)) {
    if (!knownAnnotations.has(name)) about(name, `@${name} is unknown and has no effect`)
  }
  const approves = (source.rule.uses & APPROVED) !== 0
  for (const name of ['approvers', 'quorum', 'within']) {
    if (name in policy.annotations && !approves) {
      about(name, `@${name} has no effect: the policy does not ask for context.approved`)
    }
  }
  const limits = annotations.limitRows !== undefined || annotations.limitBytes !== undefined
  if (limits && policy.effect === 'forbid') {
    about('limit_rows', 'limits have no effect on a forbid; put them on the permit')
  }
  return warnings
}

/** Entity literals as tokens: `Type::"id"`. */
function literals(slice: Slice): readonly { type: string; id: string; token: Token }[] {
  return slice.tokens.flatMap((token, at) => {
    const type = slice.tokens[at - 2]
    const colons = slice.tokens[at - 1]
    if (token.kind !== 'string' || colons?.text !== '::' || type?.kind !== 'word') return []
    return [{ type: type.text, id: unquote(token.text), token }]
  })
}

function nameWarnings(source: Source, vocabulary: Vocabulary | undefined): readonly Warning[] {
  if (vocabulary === undefined) return []
  const resources = new Set(vocabulary.resources.map(resource => resource.name))
  const tags = new Set(
    vocabulary.resources.flatMap(resource =>
      Object.entries(resource.tags).map(([name, value]) => `${name}=${value}`),
    ),
  )
  const classes = new Set(vocabulary.dataClasses)
  const missing = (type: string, id: string): string | undefined => {
    switch (type) {
      case 'Resource':
        return resources.has(id) ? undefined : `there is no resource "${id}"`
      case 'Tag':
        return tags.has(id) ? undefined : `no resource has the tag "${id}"`
      case 'DataClass':
        return classes.has(id) ? undefined : `there is no data class "${id}"`
      case 'Gateway':
        return id === 'sallyport' ? undefined : 'the gateway is Gateway::"sallyport"'
      case 'Object': {
        const known = vocabulary.resources.some(({ name }) => id.startsWith(`${name}/`))
        return known ? undefined : `"${id}" is in no resource; write Object::"resource/object"`
      }
    }
    return undefined
  }
  return literals(source.slice).flatMap(({ type, id, token }) => {
    const message = missing(type, id)
    return message === undefined ? [] : [{ source, message, token }]
  })
}

/** Things that look like a control. */
function controlWarnings(source: Source): readonly Warning[] {
  const { policy, uses } = source.rule
  const warnings: Warning[] = []
  const { tokens } = source.slice
  const at = (word: string) => tokens.find(token => token.text === word && token.kind === 'word')
  if ((uses & TEXT) !== 0 && policy.conditions.some(({ body }) => likeOn(body, 'text'))) {
    const message =
      'text patterns are not a control: the same statement can be written in other words; use verb, flags, columns and objects'
    warnings.push({ source, message, token: at('like') })
  }
  if ((uses & REASON) !== 0 && policy.conditions.some(({ body }) => likeOn(body, 'reason'))) {
    const message = 'a reason is free text of the principal: a pattern on it is not a control'
    warnings.push({ source, message, token: at('like') })
  }
  if (policy.conditions.some(({ body }) => readsName(body))) {
    const message = 'principal.name is a label that people may choose; use subject or groups'
    warnings.push({ source, message, token: at('name') })
  }
  if (policy.effect === 'permit' && policy.action.entities === undefined) {
    const message =
      'without an action this also permits reveal, approve, approve_by_channel and, on the gateway, console:administer'
    warnings.push({ source, message, token: at('action') })
  }
  return warnings
}

type Node = Json | undefined

/** Searches a JSON form for an operator whose body passes the test. */
function some(node: Node, test: (name: string, body: Json) => boolean): boolean {
  if (typeof node !== 'object' || node === null) return false
  if (Array.isArray(node)) return node.some(item => some(item, test))
  return Object.entries(node).some(([name, body]) => test(name, body) || some(body, test))
}

function attributeOf(body: Node, variable: string, name: string): boolean {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false
  const text = JSON.stringify(body)
  return text === JSON.stringify({ left: { Var: variable }, attr: name })
}

function likeOn(body: Json, attribute: string): boolean {
  return some(
    body,
    (name, inner) =>
      name === 'like' &&
      some(inner, (op, read) => op === '.' && attributeOf(read, 'context', attribute)),
  )
}

function readsName(body: Json): boolean {
  return some(body, (op, read) => op === '.' && attributeOf(read, 'principal', 'name'))
}

/** Policies that change nothing because another one says as much or more. */
function shadowWarnings(sources: readonly Source[]): readonly Warning[] {
  return sources.flatMap((source, at) => {
    const shadowing = sources.filter((other, place) => shadows(other, source, place < at))
    const by = shadowing.find(({ rule }) => rule.policy.effect === 'forbid') ?? shadowing[0]
    if (by === undefined) return []
    const forbidden = by.rule.policy.effect === 'forbid' && source.rule.policy.effect === 'permit'
    const message = forbidden
      ? `shadowed: "${by.rule.id}" forbids all that this permits`
      : `shadowed: "${by.rule.id}" says the same or more`
    return [{ source, message }]
  })
}

function shadows(by: Source, source: Source, earlier: boolean): boolean {
  const [a, b] = [by.rule.policy, source.rule.policy]
  if (by === source || (a.effect === 'permit' && b.effect === 'forbid')) return false
  if (!wider(a.principal, b.principal) || !wider(a.resource, b.resource)) return false
  if (!widerAction(a.action, b.action)) return false
  const same = JSON.stringify(bodies(by)) === JSON.stringify(bodies(source))
  if (a.effect !== b.effect) return a.conditions.length === 0
  if (a.effect === 'permit' && (limited(by) || limited(source))) return false
  // A forbid that has words or approvers of its own is worth naming beside one that covers it.
  if (a.effect === 'forbid' && a.conditions.length === 0) return earlier || !coversBack(by, source)
  return same ? earlier || !coversBack(by, source) : a.conditions.length === 0
}

function coversBack(by: Source, source: Source): boolean {
  const [a, b] = [by.rule.policy, source.rule.policy]
  return (
    wider(b.principal, a.principal) &&
    wider(b.resource, a.resource) &&
    widerAction(b.action, a.action) &&
    a.conditions.length === b.conditions.length
  )
}

function bodies({ rule }: Source): Json {
  return rule.policy.conditions.map(({ kind, body }) => [kind, body])
}

function limited({ rule }: Source): boolean {
  return rule.annotations.limitRows !== undefined || rule.annotations.limitBytes !== undefined
}

/** True when whatever the second asks for, the first matches too, whoever is in which group. */
function wider(a: ScopePart, b: ScopePart): boolean {
  if (a.op === 'any') return true
  if (a.op === 'is') {
    const type = b.op === 'is' ? b.type : b.op === '==' ? b.entity.type : undefined
    if (type !== a.type) return false
    return a.within === undefined || (b.op === 'is' && b.within?.key === a.within.key)
  }
  if (b.op === 'any') return false
  const entity = b.op === 'is' ? b.within : b.entity
  if (entity?.key !== a.entity.key) return false
  return a.op === 'in' || b.op === '=='
}

function widerAction(a: ActionPart, b: ActionPart): boolean {
  if (a.entities === undefined) return true
  const mine = new Set(a.entities.map(entity => entity.key))
  return b.entities?.every(entity => mine.has(entity.key)) === true
}
