// Cedar expressions, from the library's JSON form (EST) to closures. Semantics are Cedar's, errors included:
// operands are checked when they are reached, and `&&`, `||`, `if`, `is in` and nested `has` cut short.
// A form that is not known here does not compile: better no policy set than one that means something else.
import type { Json } from '#model'
import { asArray, asObject, asString, CompileError, isList, readEntity } from './est.ts'
import { extensionFunctions } from './extensions.ts'
import { like } from './like.ts'
import { LONG_MARK } from './long-literals.ts'
import { bool, entity, long, mismatch, set, text } from './operands.ts'
import { Datetime, Duration } from './quantities.ts'
import {
  CedarRecord,
  CedarSet,
  type Entities,
  Entity,
  EvaluationError,
  equal,
  fieldsOf,
  isIn,
  type Long,
  type RecordFields,
  toLong,
  type Value,
} from './values.ts'

/** What a policy is evaluated on. */
export interface Environment {
  readonly principal: Entity
  readonly action: Entity
  readonly resource: Entity
  readonly context: CedarRecord
  readonly entities: Entities
}

export type Evaluate = (environment: Environment) => Value

/** Compiles one expression. Throws CompileError. */
export function compileExpression(node: Json): Evaluate {
  const [name, body] = only(node)
  const compile = forms.get(name)
  if (compile) return compile(body)
  return compileExtension(name, body)
}

function only(node: Json | undefined): [string, Json] {
  const entries = Object.entries(asObject(node))
  const entry = entries[0]
  if (entry === undefined || entries.length !== 1) throw new CompileError('not one operator')
  return entry
}

function literal(node: Json): Value {
  if (typeof node === 'boolean' || typeof node === 'string') return node
  if (typeof node === 'number' && Number.isSafeInteger(node)) return node
  if (isList(node)) return new CedarSet(node.map(literal))
  if (typeof node !== 'object' || node === null) throw new CompileError('not a value')
  if ('__entity' in node) return readEntity(node)
  if ('__extn' in node) throw new CompileError('extension values are written as calls')
  return new CedarRecord(fieldsOf(Object.entries(node).map(([key, item]) => [key, literal(item)])))
}

function compileValue(node: Json): Evaluate {
  const value = literal(node)
  return () => value
}

const variables: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ['principal', environment => environment.principal],
  ['action', environment => environment.action],
  ['resource', environment => environment.resource],
  ['context', environment => environment.context],
])

function compileVariable(node: Json): Evaluate {
  const evaluate = variables.get(asString(node))
  if (evaluate === undefined) throw new CompileError('unknown variable')
  return evaluate
}

type Binary = (left: Value, right: Value, environment: Environment) => Value

function binary(apply: Binary): (body: Json) => Evaluate {
  return body => {
    const object = asObject(body)
    const left = compileExpression(object['left'] ?? null)
    const right = compileExpression(object['right'] ?? null)
    return environment => apply(left(environment), right(environment), environment)
  }
}

function unary(apply: (value: Value) => Value): (body: Json) => Evaluate {
  return body => {
    const arg = compileExpression(asObject(body)['arg'] ?? null)
    return environment => apply(arg(environment))
  }
}

function arithmetic(
  fast: (a: number, b: number) => number,
  exact: (a: bigint, b: bigint) => bigint,
) {
  return binary((left, right) => {
    const a = long(left)
    const b = long(right)
    if (typeof a === 'number' && typeof b === 'number') {
      const result = fast(a, b)
      if (Number.isSafeInteger(result)) return result === 0 ? 0 : result
    }
    return toLong(exact(BigInt(a), BigInt(b)))
  })
}

function comparison(holds: (a: Long, b: Long) => boolean) {
  return binary((left, right) => {
    if (left instanceof Datetime && right instanceof Datetime) return holds(left.value, right.value)
    if (left instanceof Duration && right instanceof Duration) return holds(left.value, right.value)
    return holds(long(left), long(right))
  })
}

function compileAnd(body: Json): Evaluate {
  const { left, right } = both(body)
  return environment => bool(left(environment)) && bool(right(environment))
}

function compileOr(body: Json): Evaluate {
  const { left, right } = both(body)
  return environment => bool(left(environment)) || bool(right(environment))
}

function both(body: Json): { left: Evaluate; right: Evaluate } {
  const object = asObject(body)
  return {
    left: compileExpression(object['left'] ?? null),
    right: compileExpression(object['right'] ?? null),
  }
}

function compileIf(body: Json): Evaluate {
  const object = asObject(body)
  const test = compileExpression(object['if'] ?? null)
  const yes = compileExpression(object['then'] ?? null)
  const no = compileExpression(object['else'] ?? null)
  return environment => (bool(test(environment)) ? yes(environment) : no(environment))
}

function inAny(left: Value, right: Value, environment: Environment): boolean {
  const member = entity(left)
  if (right instanceof Entity) return isIn(member, right, environment.entities)
  if (!(right instanceof CedarSet)) throw mismatch('an entity or a set of entities')
  const groups = [...right.members.values()].map(entity)
  return groups.some(group => isIn(member, group, environment.entities))
}

function compileIs(body: Json): Evaluate {
  const object = asObject(body)
  const left = compileExpression(object['left'] ?? null)
  const type = asString(object['entity_type'])
  if (object['in'] === undefined) return environment => entity(left(environment)).type === type
  const group = compileExpression(object['in'])
  return environment => {
    const member = entity(left(environment))
    return member.type === type && inAny(member, group(environment), environment)
  }
}

/** The attributes of a record or an entity; undefined when the entity does not exist. */
function attributes(value: Value, environment: Environment): RecordFields | undefined {
  if (value instanceof CedarRecord) return value.fields
  if (!(value instanceof Entity)) throw mismatch('a record or an entity')
  return (value.data ?? environment.entities.get(value.key))?.attributes
}

function compileAttribute(body: Json): Evaluate {
  const object = asObject(body)
  const left = compileExpression(object['left'] ?? null)
  const name = asString(object['attr'])
  return environment => {
    const value = attributes(left(environment), environment)?.get(name)
    if (value === undefined) throw new EvaluationError(`attribute ${name} does not exist`)
    return value
  }
}

function compileHas(body: Json): Evaluate {
  const object = asObject(body)
  const left = compileExpression(object['left'] ?? null)
  const attr = object['attr']
  const path = isList(attr) ? attr.map(asString) : [asString(attr)]
  return environment => {
    let value = left(environment)
    for (const name of path) {
      const next = attributes(value, environment)?.get(name)
      if (next === undefined) return false
      value = next
    }
    return true
  }
}

function tag(left: Value, right: Value, environment: Environment): Value | undefined {
  const owner = entity(left)
  const name = text(right)
  return (owner.data ?? environment.entities.get(owner.key))?.tags.get(name)
}

function getTag(left: Value, right: Value, environment: Environment): Value {
  const value = tag(left, right, environment)
  if (value === undefined) throw new EvaluationError('tag does not exist')
  return value
}

function compileLike(body: Json): Evaluate {
  const object = asObject(body)
  const left = compileExpression(object['left'] ?? null)
  const parts = asArray(object['pattern']).map(part =>
    part === 'Wildcard' ? null : asString(asObject(part)['Literal']),
  )
  const matches = like(parts)
  return environment => matches(text(left(environment)))
}

function compileSet(body: Json): Evaluate {
  const items = asArray(body).map(compileExpression)
  return environment => new CedarSet(items.map(item => item(environment)))
}

function compileRecord(body: Json): Evaluate {
  const items = Object.entries(asObject(body)).map(
    ([name, item]) => [name, compileExpression(item)] as const,
  )
  return environment =>
    new CedarRecord(fieldsOf(items.map(([name, item]) => [name, item(environment)] as const)))
}

function compileNegation(body: Json): Evaluate {
  // -(2^63) is one literal in Cedar's grammar, although 2^63 alone is none.
  const mark = longMark(asObject(body)['arg'])
  if (mark !== undefined) {
    const value = toLong(-mark)
    return () => value
  }
  return negate(body)
}

const negate = unary(value => toLong(-BigInt(long(value))))

function longMark(node: Json | undefined): bigint | undefined {
  if (typeof node !== 'object' || node === null || isList(node)) return undefined
  const call = node['decimal']
  if (!isList(call)) return undefined
  const argument = asObject(call[0])['Value']
  if (typeof argument !== 'string' || !argument.startsWith(LONG_MARK)) return undefined
  return BigInt(argument.slice(LONG_MARK.length))
}

function compileExtension(name: string, body: Json): Evaluate {
  const mark = longMark({ [name]: body })
  if (mark !== undefined) {
    const value = toLong(mark)
    return () => value
  }
  const extension = extensionFunctions.get(name)
  const nodes = asArray(body)
  const [left, right] = nodes.map(compileExpression)
  if (!extension) throw new CompileError(`unknown operator or function ${name}`)
  const { call, arity } = extension
  if (left === undefined || nodes.length !== arity) {
    // Cedar finds this out when it evaluates; the type checker refuses it before that.
    return () => {
      throw new EvaluationError('wrong number of arguments')
    }
  }
  if (right !== undefined) return environment => call(left(environment), right(environment))
  return constant(nodes[0], call) ?? (environment => call(left(environment), true))
}

/** `ip("10.0.0.0/8")` is read once. A text that does not parse stays a failure of the evaluation. */
function constant(node: Json | undefined, call: (left: Value, right: Value) => Value) {
  const argument = asObject(node)['Value']
  if (typeof argument !== 'string') return undefined
  try {
    const value = call(argument, true)
    return () => value
  } catch (error) {
    // Not swallowed: the closure that is used instead fails in the same way each time it is reached.
    if (error instanceof EvaluationError) return undefined
    throw error
  }
}

const forms: ReadonlyMap<string, (body: Json) => Evaluate> = new Map<
  string,
  (body: Json) => Evaluate
>([
  ['Value', compileValue],
  ['Var', compileVariable],
  ['!', unary(value => !bool(value))],
  ['neg', compileNegation],
  ['==', binary(equal)],
  ['!=', binary((left, right) => !equal(left, right))],
  ['in', binary(inAny)],
  ['<', comparison((a, b) => a < b)],
  ['<=', comparison((a, b) => a <= b)],
  ['>', comparison((a, b) => a > b)],
  ['>=', comparison((a, b) => a >= b)],
  ['&&', compileAnd],
  ['||', compileOr],
  [
    '+',
    arithmetic(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  ],
  [
    '-',
    arithmetic(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  ],
  [
    '*',
    arithmetic(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  ],
  ['contains', binary((left, right) => set(left).has(right))],
  ['containsAll', binary((left, right) => containsAll(set(left), set(right)))],
  ['containsAny', binary((left, right) => containsAny(set(left), set(right)))],
  ['isEmpty', unary(value => set(value).members.size === 0)],
  ['getTag', binary(getTag)],
  ['hasTag', binary((left, right, environment) => tag(left, right, environment) !== undefined)],
  ['.', compileAttribute],
  ['has', compileHas],
  ['like', compileLike],
  ['is', compileIs],
  ['if-then-else', compileIf],
  ['Set', compileSet],
  ['Record', compileRecord],
])

function containsAll(left: CedarSet, right: CedarSet): boolean {
  for (const key of right.members.keys()) if (!left.members.has(key)) return false
  return true
}

function containsAny(left: CedarSet, right: CedarSet): boolean {
  for (const key of right.members.keys()) if (left.members.has(key)) return true
  return false
}
