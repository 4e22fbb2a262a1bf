// One policy, compiled: what its scope asks for (kept as data, so that a session can be narrowed by it),
// and its conditions as closures.
import type { Json, JsonObject } from '#model'
import { asArray, asObject, asString, CompileError, readEntity } from './est.ts'
import { compileExpression, type Environment, type Evaluate } from './expression.ts'
import { type Entities, type Entity, EvaluationError, isIn } from './values.ts'

/** What a scope asks of the principal or the resource. */
export type ScopePart =
  | { readonly op: 'any' }
  | { readonly op: '=='; readonly entity: Entity }
  | { readonly op: 'in'; readonly entity: Entity }
  | { readonly op: 'is'; readonly type: string; readonly within: Entity | undefined }

/** What a scope asks of the action: one of these (or something in one of them); undefined is any. */
export interface ActionPart {
  readonly entities: readonly Entity[] | undefined
  /** `==`: the action itself, not what is in it. */
  readonly exact: boolean
}

export interface Condition {
  readonly kind: 'when' | 'unless'
  readonly body: Json
  /** True when the policy goes on: the body holds (`when`), or does not (`unless`). */
  readonly holds: (environment: Environment) => boolean
}

export interface CompiledPolicy {
  readonly effect: 'permit' | 'forbid'
  readonly principal: ScopePart
  readonly action: ActionPart
  readonly resource: ScopePart
  readonly conditions: readonly Condition[]
  readonly annotations: Readonly<Record<string, string>>
}

/** What fills a template's slots. */
export interface Slots {
  readonly '?principal'?: Entity
  readonly '?resource'?: Entity
}

/** Compiles the JSON form of a policy, or of a template with its slots. Throws CompileError. */
export function compilePolicy(policy: JsonObject, slots: Slots = {}): CompiledPolicy {
  const effect = policy['effect']
  if (effect !== 'permit' && effect !== 'forbid') throw new CompileError('unknown effect')
  return {
    effect,
    principal: scopePart(asObject(policy['principal']), slots),
    action: actionPart(asObject(policy['action'])),
    resource: scopePart(asObject(policy['resource']), slots),
    conditions: asArray(policy['conditions']).map(condition),
    annotations: readAnnotations(policy['annotations']),
  }
}

function scopePart(part: JsonObject, slots: Slots): ScopePart {
  switch (part['op']) {
    case 'All':
      return { op: 'any' }
    case '==':
      return { op: '==', entity: target(part, slots) }
    case 'in':
      return { op: 'in', entity: target(part, slots) }
    case 'is': {
      const within = part['in'] === undefined ? undefined : target(asObject(part['in']), slots)
      return { op: 'is', type: asString(part['entity_type']), within }
    }
  }
  throw new CompileError('unknown scope')
}

function target(part: JsonObject, slots: Slots): Entity {
  const slot = part['slot']
  if (slot === undefined) return readEntity(part['entity'])
  const filled = slot === '?principal' || slot === '?resource' ? slots[slot] : undefined
  if (filled === undefined) throw new CompileError('a slot that nothing fills')
  return filled
}

function actionPart(part: JsonObject): ActionPart {
  switch (part['op']) {
    case 'All':
      return { entities: undefined, exact: false }
    case '==':
      return { entities: [readEntity(part['entity'])], exact: true }
    case 'in': {
      const several = part['entities']
      const entities = several === undefined ? [part['entity']] : asArray(several)
      return { entities: entities.map(readEntity), exact: false }
    }
  }
  throw new CompileError('unknown action scope')
}

function condition(node: Json): Condition {
  const { kind, body = null } = asObject(node)
  if (kind !== 'when' && kind !== 'unless') throw new CompileError('unknown condition')
  return { kind, body, holds: test(compileExpression(body), kind === 'when') }
}

function test(evaluate: Evaluate, wanted: boolean): (environment: Environment) => boolean {
  return environment => {
    const value = evaluate(environment)
    if (typeof value !== 'boolean') throw new EvaluationError('type error: expected a boolean')
    return value === wanted
  }
}

/** An annotation without a value (`@x`) has the empty text. */
function readAnnotations(node: Json | undefined): Readonly<Record<string, string>> {
  const annotations: Record<string, string> = Object.create(null)
  if (node === undefined) return annotations
  for (const [name, value] of Object.entries(asObject(node))) {
    annotations[name] = value === null ? '' : asString(value)
  }
  return annotations
}

export function scopeMatches(part: ScopePart, entity: Entity, entities: Entities): boolean {
  switch (part.op) {
    case 'any':
      return true
    case '==':
      return part.entity.key === entity.key
    case 'in':
      return isIn(entity, part.entity, entities)
    case 'is':
      return (
        entity.type === part.type &&
        (part.within === undefined || isIn(entity, part.within, entities))
      )
  }
}

export function actionMatches(part: ActionPart, action: Entity, entities: Entities): boolean {
  if (part.entities === undefined) return true
  if (part.exact) return part.entities.some(entity => entity.key === action.key)
  return part.entities.some(entity => isIn(action, entity, entities))
}
