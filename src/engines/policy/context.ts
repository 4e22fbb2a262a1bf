// The Cedar context of a request. Attributes are computed when a policy asks for them: most policies ask for few.
import {
  type Flag,
  flags,
  type NamedValues,
  type Operation,
  type Parameter,
  type Statement,
  type TunnelEnd,
} from '#model'
import { type IpAddress, parseIpAddress } from './compile/ip-address.ts'
import {
  CedarRecord,
  CedarSet,
  Entity,
  EvaluationError,
  fieldsOf,
  noFields,
  type RecordFields,
  type Value,
} from './compile/values.ts'
import { type Facts, statedReason } from './facts.ts'

/** What the policy engine sees of a statement. */
export type Judged = Pick<
  Statement,
  'text' | 'operations' | 'functions' | 'parameters' | 'named' | 'phase'
>

/** A fact that we were given cannot be used. Not an EvaluationError: no policy may be skipped over it. */
export class UnusableFact extends Error {}

/** What the session adds to the facts, and what was worked out from them before. */
export class Surroundings {
  readonly autonomous: boolean
  readonly onBehalfOf: Entity | undefined
  #ipText: string | undefined
  #ip: IpAddress | undefined

  constructor(autonomous: boolean, onBehalfOf: Entity | undefined) {
    this.autonomous = autonomous
    this.onBehalfOf = onBehalfOf
  }

  /** Throws UnusableFact. */
  ip(text: string): IpAddress {
    if (this.#ip === undefined || this.#ipText !== text) {
      this.#ip = readIp(text)
      this.#ipText = text
    }
    return this.#ip
  }
}

function readIp(text: string): IpAddress {
  // Sockets of both families name IPv4 peers `::ffff:1.2.3.4`, and link-local ones `fe80::1%eth0`.
  const plain = text.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '')
  try {
    return parseIpAddress(plain)
  } catch (error) {
    // Turned into a refusal of the whole request: a policy about addresses must not be skipped.
    if (error instanceof EvaluationError) throw new UnusableFact('the address of the client')
    throw error
  }
}

const sharedNames = [
  'approved',
  'reason',
  'mfa',
  'channel',
  'breakGlass',
  'autonomous',
  'onBehalfOf',
  'client',
  'ip',
  'hour',
  'weekday',
  'run',
] as const

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** The facts that every request has. */
export class SharedFields implements RecordFields {
  readonly facts: Facts
  readonly #around: Surroundings
  #run: CedarRecord | undefined

  constructor(facts: Facts, around: Surroundings) {
    this.facts = facts
    this.#around = around
  }

  get(name: string): Value | undefined {
    const { facts } = this
    switch (name) {
      case 'approved':
        return facts.approved
      case 'reason':
        return statedReason(facts)
      case 'mfa':
        return facts.mfa
      case 'channel':
        return facts.channel
      case 'breakGlass':
        return facts.breakGlass === true
      case 'autonomous':
        return this.#around.autonomous
      case 'onBehalfOf':
        return this.#around.onBehalfOf
      case 'client':
        return facts.client
      case 'ip':
        return this.#around.ip(facts.ip)
      case 'hour':
        return Math.floor((((facts.now % DAY) + DAY) % DAY) / HOUR)
      case 'weekday':
        // 1970-01-01 was a Thursday; Monday is 1.
        return ((((Math.floor(facts.now / DAY) + 3) % 7) + 7) % 7) + 1
      case 'run':
        this.#run ??= new CedarRecord(fieldsOf(Object.entries(facts.run)))
        return this.#run
    }
    return undefined
  }

  names(): readonly string[] {
    return sharedNames.filter(name => this.get(name) !== undefined)
  }
}

const flagNames: ReadonlySet<string> = new Set(flags)
const statementNames = [
  'verb',
  'category',
  'flags',
  ...flags,
  'columns',
  'functions',
  'text',
  'parameters',
  'fields',
  'numbers',
  'tunnel',
]

function isFlag(name: string): name is Flag {
  return flagNames.has(name)
}

/** The context of one operation of a statement. */
export class StatementFields implements RecordFields {
  readonly #shared: SharedFields
  readonly #statement: Judged
  readonly #operation: Operation
  #columns: CedarSet | undefined
  #functions: CedarSet | undefined
  #parameters: CedarSet | undefined
  #fields: Entity | undefined
  #numbers: Entity | undefined
  #tunnel: CedarRecord | undefined

  constructor(shared: SharedFields, statement: Judged, operation: Operation) {
    this.#shared = shared
    this.#statement = statement
    this.#operation = operation
  }

  get(name: string): Value | undefined {
    switch (name) {
      case 'verb':
        return this.#operation.verb
      case 'category':
        return this.#operation.category ?? ''
      case 'flags':
        return new CedarSet(this.#operation.flags)
      case 'columns':
        this.#columns ??= new CedarSet(this.#operation.columns)
        return this.#columns
      case 'functions':
        this.#functions ??= new CedarSet(this.#statement.functions)
        return this.#functions
      case 'text':
        return this.#statement.text
      case 'parameters':
        this.#parameters ??= parameterTexts(this.#statement.parameters)
        return this.#parameters
      case 'fields':
        this.#fields ??= fieldsEntity(this.#statement.named)
        return this.#fields
      case 'numbers':
        this.#numbers ??= numbersEntity(this.#statement.named)
        return this.#numbers
      case 'tunnel':
        this.#tunnel ??= tunnelRecord(this.#operation.tunnel)
        return this.#tunnel
    }
    if (isFlag(name)) return this.#operation.flags.includes(name)
    return this.#shared.get(name)
  }

  names(): readonly string[] {
    const own = statementNames.filter(name => this.get(name) !== undefined)
    return [...own, ...this.#shared.names()]
  }
}

/** Named parts of a statement as tags of an entity: names are the statement's own, and still a policy checks. */
function fieldsEntity(named: NamedValues | undefined): Entity {
  const all = [...(named?.texts ?? [])].map(([name, texts]) => [name, new CedarSet(texts)] as const)
  return new Entity('Fields', 'statement', { ...NAMELESS, tags: fieldsOf(all) })
}

function numbersEntity(named: NamedValues | undefined): Entity {
  return new Entity('Numbers', 'statement', { ...NAMELESS, tags: fieldsOf(named?.numbers ?? []) })
}

const NAMELESS = { attributes: noFields, ancestors: new Set<string>() }

function tunnelRecord(end: TunnelEnd | undefined): CedarRecord | undefined {
  return end === undefined ? undefined : new CedarRecord(fieldsOf(Object.entries(end)))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The bound values that are text. A binary value counts when it reads as one: a text bound in binary
 * format has the same bytes, and must not slip past a policy that forbids it.
 */
function parameterTexts(parameters: readonly Parameter[] | undefined): CedarSet | undefined {
  if (parameters === undefined) return undefined
  const texts: string[] = []
  for (const { value, format } of parameters) {
    if (value === null) continue
    const text = decode(value)
    if (text !== undefined && (format === 'text' || !/\p{Cc}/u.test(text))) texts.push(text)
  }
  return new CedarSet(texts)
}

function decode(value: Uint8Array): string | undefined {
  try {
    return utf8.decode(value)
  } catch {
    // Not UTF-8: no text that a policy could name, and no text that an upstream in UTF8 would take.
    return undefined
  }
}

/** What a `reveal` is asked for. Names are empty when the column is not known. */
export class RevealFields implements RecordFields {
  readonly #shared: SharedFields
  readonly #own: ReadonlyMap<string, Value>

  constructor(shared: SharedFields, resource: Entity, object: string, column: string) {
    this.#shared = shared
    this.#own = new Map<string, Value>([
      ['resource', resource],
      ['object', object],
      ['column', column],
    ])
  }

  get(name: string): Value | undefined {
    return this.#own.get(name) ?? this.#shared.get(name)
  }

  names(): readonly string[] {
    return [...this.#own.keys(), ...this.#shared.names()]
  }
}
