// From the claims of a checked token to a principal, by the rules of its issuer's entry.
import type { IssuerSettings } from '#config'
import type { Actor, Json, JsonObject, Principal, PrincipalKind } from '#model'
import { claimAt, isName, labelAt, nameAt, namesAt, topOf } from './claims.ts'
import { invalid } from './jws.ts'
import { validity } from './profiles.ts'

/** RFC 8693 section 4.1: the chain has no bound of its own. */
const DEEPEST_CHAIN = 4

/** The entries of all issuers. */
export interface Known {
  /** By its `iss`. */
  entry(issuer: string): IssuerSettings | undefined
  prefixes(): readonly string[]
}

/** `fallbackId` names the token where it has no `jti`. Throws AuthenticationFailed. */
export function principalOf(
  claims: JsonObject,
  settings: IssuerSettings,
  known: Known,
  fallbackId: string,
  now: number,
): Principal {
  refuseOverage(claims, settings)
  const subject = nameAt(claims, 'sub')
  const kind = kindOf(claims, settings)
  const jti = claimAt(claims, 'jti') === undefined ? undefined : nameAt(claims, 'jti')
  const run = settings.run === undefined ? undefined : claimAt(claims, settings.run)
  if (run !== undefined && !isName(run)) throw invalid('The token names its run in a strange way.')
  const chain = actorsOf(claims, settings, known)
  const owners = ownersOf(claims, settings, known)
  const { expiresAt, issuedAt } = validity(claims, kind, settings, now)
  const id = jti ?? fallbackId
  const authTime = claimAt(claims, 'auth_time')
  return deepFreeze({
    kind,
    id: settings.prefix + subject,
    subject,
    issuer: settings.issuer,
    name: labelAt(claims, 'name') ?? labelAt(claims, 'preferred_username') ?? subject,
    groups: namesAt(claims, settings.groups).map(group => settings.prefix + group),
    attributes: attributesOf(claims, settings.attributes),
    actors: chain.map(({ actor }) => actor),
    // Whoever owns a link of the chain has a stake in what it asks for.
    owners: [...new Set([owners, ...chain.map(link => link.owners)].flat())],
    mfa: secondFactor(claims, settings.mfa),
    credential: { kind: 'token', id },
    run: run ?? id,
    expiresAt,
    // Said in a strange way: long ago, so that nothing fresh rests on it.
    ...(authTime === undefined
      ? {}
      : { authenticatedAt: typeof authTime === 'number' ? authTime * 1000 : 0 }),
    ...(issuedAt === undefined ? {} : { issuedAt }),
  })
}

/** Entra leaves the groups out when there are many, and points elsewhere: none is not what it means. */
function refuseOverage(claims: JsonObject, settings: IssuerSettings): void {
  const elsewhere = claimAt(claims, '_claim_names')
  const pointed =
    typeof elsewhere === 'object' &&
    elsewhere !== null &&
    [settings.groups, settings.owners].some(path => Object.hasOwn(elsewhere, topOf(path)))
  if (pointed || claimAt(claims, 'hasgroups') === true || claimAt(claims, 'hasgroups') === 'true') {
    throw invalid('The token leaves its groups out because they are too many.')
  }
}

function kindOf(claims: JsonObject, { principal }: IssuerSettings): PrincipalKind {
  if (typeof principal === 'string') return principal
  const value = text(claimAt(claims, principal.claim))
  if (value === null) throw invalid(`The token's "${principal.claim}" is not text.`)
  if (value !== undefined && principal.agent.includes(value)) return 'agent'
  if (principal.user === undefined) return 'user'
  if (value !== undefined && principal.user.includes(value)) return 'user'
  throw invalid(`The token's "${principal.claim}" says neither user nor agent.`)
}

/** Text, or a boolean as text; null for anything else that is there. */
function text(value: Json | undefined): string | null | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'string' ? value : null
}

interface Link {
  readonly actor: Actor
  readonly owners: readonly string[]
}

/** Outermost first. The current actor decides; the others are for the record. */
function actorsOf(claims: JsonObject, settings: IssuerSettings, known: Known): readonly Link[] {
  const chain: Link[] = []
  let act = claimAt(claims, 'act')
  while (act !== undefined) {
    if (chain.length === DEEPEST_CHAIN) throw invalid('The token has too many actors.')
    if (typeof act !== 'object' || act === null || Array.isArray(act)) {
      throw invalid('The token names its actor in a strange way.')
    }
    const inner = act as JsonObject
    chain.push(linkOf(inner, settings, known))
    act = claimAt(inner, 'act')
  }
  return chain
}

function linkOf(act: JsonObject, settings: IssuerSettings, known: Known): Link {
  const issuer = claimAt(act, 'iss') === undefined ? settings.issuer : nameAt(act, 'iss')
  const own = issuer === settings.issuer
  const entry = own ? settings : known.entry(issuer)
  if (entry === undefined) throw invalid('The token has an actor of an issuer that is not known.')
  const subject = nameAt(act, 'sub')
  return {
    actor: {
      kind: actorKind(act, entry),
      id: entry.prefix + subject,
      subject,
      issuer,
      // An issuer may name somebody of another one, but not put them into the other one's groups.
      groups: own ? namesAt(act, entry.groups).map(group => entry.prefix + group) : [],
    },
    owners: ownersOf(act, entry, known),
  }
}

/**
 * Subjects of the same issuer; people may come by another one, and then stand there by their whole id. What could be either is
 * both: an owner loses rights by it, and gets none.
 */
function ownersOf(claims: JsonObject, entry: IssuerSettings, known: Known): readonly string[] {
  const others = known.prefixes().filter(prefix => prefix !== '' && prefix !== entry.prefix)
  return namesAt(claims, entry.owners).flatMap(name => {
    const own = entry.prefix + name
    return others.some(prefix => name.startsWith(prefix)) ? [name, own] : [own]
  })
}

/** Who acts for somebody is an agent, unless the claim that tells says otherwise. */
function actorKind(act: JsonObject, entry: IssuerSettings): PrincipalKind {
  const { principal } = entry
  if (typeof principal === 'string' || claimAt(act, principal.claim) === undefined) return 'agent'
  return kindOf(act, entry)
}

function attributesOf(claims: JsonObject, names: readonly string[]): JsonObject {
  const found = names.map(name => [name, claimAt(claims, name)] as const)
  return Object.fromEntries(found.filter((each): each is [string, Json] => each[1] !== undefined))
}

/** RFC 8176's methods, by what they prove. */
const KNOWLEDGE = new Set(['pwd', 'pin', 'kba'])
const POSSESSION = new Set(['otp', 'hwk', 'swk', 'sc', 'sms', 'tel', 'pop'])
const INHERENCE = new Set(['face', 'fpt', 'iris', 'retina', 'vbm'])

/** True for `mfa`, for methods of two kinds, or for an `acr` that the entry names. */
function secondFactor(claims: JsonObject, accepted: readonly string[]): boolean {
  const acr = claimAt(claims, 'acr')
  if (typeof acr === 'string' && accepted.includes(acr)) return true
  const amr = claimAt(claims, 'amr')
  const methods = Array.isArray(amr) ? amr.filter(method => typeof method === 'string') : []
  if (methods.includes('mfa')) return true
  const kinds = [KNOWLEDGE, POSSESSION, INHERENCE]
  return kinds.filter(kind => methods.some(method => kind.has(method))).length > 1
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
