// Random policies, entities and requests over our schema, and the question put to the library.
import { isAuthorized } from '@cedar-policy/cedar-wasm/nodejs'
import fc from 'fast-check'
import { flags, type JsonObject } from '#model'
import type { Judged } from './context.ts'
import type { Facts } from './facts.ts'

const people = ['ann', 'bob']
const groups = ['g1', 'g2', 'g"3']
const tables = ['public.a', 'public.b', 'hr.c']
const verbs = ['SELECT', 'DELETE', 'x*y']
const words = ['a', 'b', '*', 'é😀', '']
const columns = ['id', 'email']
const actionNames = ['connect', 'read', 'write', 'define', 'administer', 'execute', 'tunnel']

const quote = (text: string) => JSON.stringify(text)
const pick = <T>(...items: readonly T[]) => fc.constantFrom(...items)

const entity = fc.oneof(
  pick(...people).map(id => `User::${quote(id)}`),
  pick(...people).map(id => `Agent::${quote(id)}`),
  pick(...groups).map(id => `Group::${quote(id)}`),
  pick('Resource::"shop"', 'Resource::"crm"', 'Tag::"env=production"', 'Tag::"env=test"'),
  pick(...tables).map(id => `Object::${quote(`shop/${id}`)}`),
)

const integer = pick(
  '0',
  '1',
  '5',
  '12',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
)
const text = fc.oneof(
  pick(...verbs, ...words, ...columns, 'ann', 'public.a', 'hr', 'env', 'production').map(quote),
)
const extension = fc.oneof(
  pick('10.0.0.0/8', '10.1.2.3', '::1', '::/0', '127.0.0.1', '10.1.2.3/33', 'x').map(
    ip => `ip(${quote(ip)})`,
  ),
  pick('1.0', '1.00', '-0.5', '922337203685477.5807', '922337203685477.5808', '1').map(
    value => `decimal(${quote(value)})`,
  ),
  pick('1d2h', '-1ms', '1ms', '9223372036854775807ms', '1h1d', '').map(
    value => `duration(${quote(value)})`,
  ),
  pick('2024-02-29', '2023-02-29', '1969-12-31T23:59:59.999-0130', '2024-01-01T00:00:00Z').map(
    value => `datetime(${quote(value)})`,
  ),
)
const ipMethod = pick('isIpv4', 'isIpv6', 'isLoopback', 'isMulticast')
const timeMethod = pick(
  'toDate',
  'toTime',
  'toDays',
  'toHours',
  'toMinutes',
  'toSeconds',
  'toMilliseconds',
)
const pairMethod = pick(
  'contains',
  'containsAll',
  'containsAny',
  'lessThan',
  'lessThanOrEqual',
  'greaterThan',
  'greaterThanOrEqual',
  'isInRange',
  'offset',
  'durationSince',
  'getTag',
  'hasTag',
)
const pattern = fc
  .array(pick('a', '*', '\\*', 'é', 'SEL', 'E', '.'), { maxLength: 4 })
  .map(parts => `"${parts.join('')}"`)
const type = pick('User', 'Agent', 'Object', 'Resource', 'Group', 'DataClass')
const attribute = pick(
  'verb',
  'category',
  'flags',
  'unfiltered',
  'columns',
  'functions',
  'text',
  'parameters',
  'tunnel',
  'approved',
  'reason',
  'mfa',
  'autonomous',
  'onBehalfOf',
  'client',
  'ip',
  'hour',
  'weekday',
  'run',
  'nothing',
)
const entityAttribute = pick('name', 'subject', 'owners', 'kind', 'schema', 'rows', 'ghost')

/** Any expression of the grammar, well typed or not. */
const anything = fc.letrec<{ e: string }>(tie => {
  const e = tie('e')
  const pair = (...operators: readonly string[]) =>
    fc.tuple(e, pick(...operators), e).map(([a, operator, b]) => `((${a}) ${operator} (${b}))`)
  return {
    e: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        entity,
        integer,
        text,
        extension,
        pick('true', 'false', 'principal', 'action', 'resource', 'context', '[]', '{}'),
        attribute.map(name => `context.${name}`),
        entityAttribute.map(name => `resource.${name}`),
        entityAttribute.map(name => `principal.${name}`),
      ),
      pair('&&', '||'),
      pair('==', '!=', '<', '<=', '>', '>=', 'in'),
      pair('+', '-', '*'),
      e.map(a => `!(${a})`),
      e.map(a => `-(${a})`),
      fc.tuple(e, e, e).map(([a, b, c]) => `(if (${a}) then (${b}) else (${c}))`),
      fc.tuple(e, pairMethod, e).map(([a, method, b]) => `(${a}).${method}(${b})`),
      fc.tuple(e, fc.oneof(ipMethod, timeMethod, pick('isEmpty'))).map(([a, m]) => `(${a}).${m}()`),
      fc.tuple(e, pattern).map(([a, like]) => `((${a}) like ${like})`),
      fc.tuple(e, type).map(([a, name]) => `((${a}) is ${name})`),
      fc.tuple(e, type, e).map(([a, name, b]) => `((${a}) is ${name} in (${b}))`),
      fc.tuple(e, attribute).map(([a, name]) => `((${a}) has ${name})`),
      fc
        .tuple(e, pick('run.rows', 'onBehalfOf.name', 'a.b'))
        .map(([a, path]) => `((${a}) has ${path})`),
      fc.tuple(e, entityAttribute).map(([a, name]) => `(${a}).${name}`),
      fc.array(e, { maxLength: 3 }).map(items => `[${items.join(', ')}]`),
      fc.tuple(e, e).map(([a, b]) => `{ a: ${a}, "b c": ${b} }`),
    ),
  }
})

const bools = pick('==', '!=', '<', '<=', '>', '>=')
const long = fc.oneof(
  integer,
  pick('context.hour', 'context.weekday', 'context.run.rows', 'context.run.bytes'),
  fc
    .tuple(pick('context.hour', 'context.run.rows'), pick('+', '-', '*'), integer)
    .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
)

/** A condition that the type checker accepts, on the context of statements. */
const typed = fc.letrec<{ b: string }>(tie => {
  const b = tie('b')
  return {
    b: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        pick(...flags).map(flag => `context.${flag}`),
        pick('context.approved', 'context.mfa', 'context.autonomous'),
        pick('context.approved', 'context.mfa', 'context has reason'),
        fc.tuple(long, bools, long).map(([x, operator, y]) => `${x} ${operator} ${y}`),
        fc
          .tuple(
            pick('context.verb', 'context.text', 'context.client', 'principal.subject'),
            pattern,
          )
          .map(([x, like]) => `${x} like ${like}`),
        fc
          .tuple(pick('context.verb', 'context.client', 'principal.name'), text)
          .map(([x, y]) => `${x} == ${y}`),
        fc
          .tuple(pick('flags', 'columns', 'functions'), text)
          .map(([set, x]) => `context.${set}.contains(${x})`),
        fc
          .tuple(
            pick('flags', 'columns', 'functions'),
            pick('containsAny', 'containsAll'),
            text,
            text,
          )
          .map(([set, method, x, y]) => `context.${set}.${method}([${x}, ${y}])`),
        text.map(x => `(context has parameters && context.parameters.contains(${x}))`),
        pattern.map(x => `(context has reason && context.reason like ${x})`),
        pick('context has reason', 'context has parameters', 'context has onBehalfOf'),
        text.map(x => `(context has tunnel && context.tunnel.host == ${x})`),
        pick('(context has tunnel && context.tunnel.port < 2)'),
        pick(...people).map(
          id => `(context has onBehalfOf.name && context.onBehalfOf.name == "${id}")`,
        ),
        pick(...groups).map(
          id => `(context has onBehalfOf && context.onBehalfOf in Group::${quote(id)})`,
        ),
        pick('10.0.0.0/8', '::/0', '10.1.2.3', '192.168.0.0/16').map(
          range => `context.ip.isInRange(ip("${range}"))`,
        ),
        ipMethod.map(method => `context.ip.${method}()`),
        pick(...groups).map(id => `principal in Group::${quote(id)}`),
        pick(
          'principal is Agent',
          'principal is User',
          'resource is Object',
          'resource is Resource',
        ),
        pick(...people).map(id => `(principal is Agent && principal.owners.contains("${id}"))`),
        pick(...tables).map(id => `resource == Object::"shop/${id}"`),
        pick(...tables).map(id => `(resource is Object && resource.name == "${id}")`),
        pick('hr', 'public').map(
          id => `(resource is Object && resource has schema && resource.schema == "${id}")`,
        ),
        pick(
          'resource in Resource::"shop"',
          'resource in Tag::"env=production"',
          'resource in Tag::"env=test"',
        ),
        pick(
          '(resource is Resource && resource.hasTag("env") && resource.getTag("env") == "production")',
        ),
      ),
      fc
        .tuple(b, pick('&&', '||', '=='), b)
        .map(([x, operator, y]) => `((${x}) ${operator} (${y}))`),
      b.map(x => `!(${x})`),
      fc.tuple(b, b, b).map(([x, y, z]) => `(if (${x}) then (${y}) else (${z}))`),
    ),
  }
})

const principalScope = fc.oneof(
  { weight: 4, arbitrary: fc.constant('principal') },
  pick(...people).map(id => `principal == User::${quote(id)}`),
  pick(...people).map(id => `principal == Agent::${quote(id)}`),
  pick(...groups).map(id => `principal in Group::${quote(id)}`),
  pick('principal is User', 'principal is Agent', 'principal is Agent in Group::"g1"'),
)
const actionScope = fc.oneof(
  pick(...actionNames).map(name => `action == Action::"${name}"`),
  fc
    .uniqueArray(pick(...actionNames), { minLength: 1 })
    .map(names => `action in [${names.map(name => `Action::"${name}"`).join(', ')}]`),
)
const resourceScope = fc.oneof(
  { weight: 4, arbitrary: fc.constant('resource') },
  pick(...tables).map(id => `resource == Object::"shop/${id}"`),
  pick(...tables).map(id => `resource in Object::"shop/${id}"`),
  pick('shop', 'crm').map(id => `resource in Resource::"${id}"`),
  pick('shop', 'crm').map(id => `resource == Resource::"${id}"`),
  pick('production', 'test').map(id => `resource in Tag::"env=${id}"`),
  pick('resource is Object', 'resource is Resource', 'resource is Object in Resource::"shop"'),
  pick('resource is Object in Tag::"env=production"', 'resource is Resource in Tag::"env=test"'),
)
const effect = fc.oneof({ weight: 3, arbitrary: fc.constant('permit') }, fc.constant('forbid'))

function policies(expression: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> {
  const condition = fc
    .tuple(pick('when', 'unless'), expression)
    .map(([kind, body]) => `${kind} { ${body} }`)
  const policy = fc
    .tuple(
      effect,
      principalScope,
      actionScope,
      resourceScope,
      fc.array(condition, { maxLength: 2 }),
    )
    .map(([what, p, a, r, conditions]) => `${what} (${p}, ${a}, ${r}) ${conditions.join(' ')};`)
  return fc.array(policy, { minLength: 1, maxLength: 6 })
}

export const anyPolicies = policies(anything.e)
/** With many that a person can lift. */
export const typedPolicies = policies(
  fc.oneof(typed.b, pick('context.approved', 'context.mfa', 'context has reason')),
)

export interface Identity {
  readonly kind: 'user' | 'agent'
  readonly id: string
  readonly groups: readonly string[]
  readonly owners: readonly string[]
}

const identity: fc.Arbitrary<Identity> = fc
  .record({
    kind: pick('user' as const, 'agent' as const),
    id: pick(...people),
    groups: fc.subarray(groups),
    owners: fc.subarray(people),
  })
  .map(who => (who.kind === 'user' ? { ...who, owners: [] } : who))

export interface Request {
  readonly identity: Identity
  /** Who acts for it. */
  readonly actor: Identity | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly statement: Judged
  readonly facts: Facts
}

const anyRequest: fc.Arbitrary<Request> = fc.record({
  identity,
  actor: fc.option(identity, { nil: undefined, freq: 2 }),
  tags: pick<Record<string, string>>({}, { env: 'production' }, { env: 'test', owner: 'x' }),
  statement: fc
    .record({
      text: pick(...words, 'SELECT 1'),
      operations: fc
        .record({
          action: pick(
            'connect' as const,
            'read' as const,
            'write' as const,
            'define' as const,
            'execute' as const,
          ),
          verb: pick(...verbs),
          object: pick('', ...tables).map(name => ({
            name,
            kind: name === '' ? 'resource' : 'table',
          })),
          columns: fc.subarray(columns),
          flags: fc.subarray([...flags]),
          tunnel: fc.option(
            fc.record({
              direction: pick('out' as const, 'in' as const),
              kind: pick('tcp' as const, 'agent' as const),
              host: pick(...words),
              port: fc.nat(3),
            }),
            { nil: undefined },
          ),
        })
        .map(({ tunnel, ...rest }) => (tunnel ? { ...rest, tunnel } : rest))
        .map(operation => [
          operation.action === 'connect'
            ? { ...operation, object: { name: '', kind: 'resource' } }
            : operation,
        ]),
      functions: fc.subarray(['a', 'b']),
      parameters: fc.option(
        fc.array(
          pick(...words).map(word => ({
            type: 'text',
            format: 'text' as const,
            value: new TextEncoder().encode(word),
          })),
          { maxLength: 2 },
        ),
        { nil: undefined },
      ),
      phase: fc.constant('execute' as const),
    })
    .map(({ parameters, ...rest }) => (parameters ? { ...rest, parameters } : rest)),
  facts: fc.record({
    client: pick(...words),
    ip: pick('10.1.2.3', '127.0.0.1', '::1', '2001:db8::1', '224.0.0.1'),
    now: fc.integer({ min: Date.UTC(1999, 0), max: Date.UTC(2040, 0) }),
    approved: fc.boolean(),
    reason: fc.option(pick(...words), { nil: undefined }),
    mfa: fc.boolean(),
    run: fc.record({
      rows: fc.nat(),
      bytes: pick(0, 5, Number.MAX_SAFE_INTEGER),
      statements: fc.nat(3),
    }),
  }),
})

/** Nobody acts for themselves: that would be one entity with two sets of groups. */
export const request = anyRequest.map(asked => {
  const { identity: subject, actor } = asked
  const own = subject.kind === actor?.kind && subject.id === actor.id
  return own ? { ...asked, actor: undefined } : asked
})

const typeOf = { user: 'User', agent: 'Agent' } as const

/** The request in the library's words; written apart from the product's own, so that they check each other. */
export function inCedar(asked: Request, party: 'subject' | 'actor' = 'subject') {
  const { identity: subject, actor, tags, statement, facts } = asked
  const who = party === 'actor' && actor ? actor : subject
  const onBehalfOf = subject.kind === 'user' && actor ? subject : undefined
  const [operation] = statement.operations
  if (operation === undefined) throw new Error('a request has one operation')
  const { object } = operation
  const day = new Date(facts.now)
  const context: JsonObject = {
    verb: operation.verb,
    category: operation.category ?? '',
    flags: operation.flags,
    ...Object.fromEntries(flags.map(flag => [flag, operation.flags.includes(flag)])),
    columns: operation.columns,
    functions: statement.functions,
    text: statement.text,
    ...(operation.tunnel && { tunnel: { ...operation.tunnel } }),
    ...(statement.parameters && {
      parameters: statement.parameters.map(({ value }) =>
        new TextDecoder().decode(value ?? undefined),
      ),
    }),
    approved: facts.approved,
    ...(facts.reason?.trim() && { reason: facts.reason }),
    mfa: facts.mfa,
    autonomous: subject.kind === 'agent' && actor?.kind !== 'user',
    ...(onBehalfOf && { onBehalfOf: { __entity: { type: 'User', id: onBehalfOf.id } } }),
    client: facts.client,
    ip: { __extn: { fn: 'ip', arg: facts.ip } },
    hour: day.getUTCHours(),
    weekday: day.getUTCDay() || 7,
    run: { ...facts.run },
  }
  const principal = { type: typeOf[who.kind], id: who.id }
  const shop = { type: 'Resource', id: 'shop' }
  const target = object.name === '' ? shop : { type: 'Object', id: `shop/${object.name}` }
  const schema = object.name.split('.')[0] ?? ''
  const entities = [
    ...everybody(asked),
    {
      uid: shop,
      attrs: { name: 'shop' },
      tags,
      parents: Object.entries(tags).map(([name, value]) => ({
        type: 'Tag',
        id: `${name}=${value}`,
      })),
    },
    ...(object.name === ''
      ? []
      : [
          { uid: target, attrs: { kind: object.kind, name: object.name, schema }, parents: [shop] },
        ]),
  ]
  return {
    principal,
    action: { type: 'Action', id: operation.action },
    resource: target,
    context,
    entities,
  }
}

/** Whose approval would be consent: those who own the agent that takes part. */
export function ownersIn({ identity: subject, actor }: Request): readonly string[] {
  return subject.kind === 'agent' ? subject.owners : (actor?.owners ?? [])
}

function everybody(asked: Request) {
  const { identity: subject, actor } = asked
  return [subject, ...(actor ? [actor] : [])].map(who => ({
    uid: { type: typeOf[who.kind], id: who.id },
    attrs: {
      name: who.id,
      subject: who.id,
      issuer: 'https://idp.example',
      ...(who.kind === 'agent' && { owners: ownersIn(asked) }),
    },
    parents: who.groups.map(id => ({ type: 'Group', id })),
  }))
}

export interface Answer {
  readonly decision: 'allow' | 'deny'
  readonly reasons: readonly string[]
  readonly errors: readonly string[]
}

/** What the library says, with sorted ids. */
export function oracle(
  texts: Readonly<Record<string, string>>,
  question: ReturnType<typeof inCedar>,
): Answer {
  const { entities, context, ...rest } = question
  const answer = isAuthorized({
    ...rest,
    context: structuredClone(context) as never,
    entities: structuredClone(entities) as never,
    policies: { staticPolicies: { ...texts } },
  })
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  const { decision, diagnostics } = answer.response
  return {
    decision,
    reasons: [...diagnostics.reason].sort(),
    errors: diagnostics.errors.map(({ policyId }) => policyId).sort(),
  }
}
