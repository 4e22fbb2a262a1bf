// Breaking the glass: a person who was enrolled for it takes a right at once, and another person looks at it
// afterwards. On record before it holds.
import { createHash } from 'node:crypto'
import {
  AccessDenied,
  type AccessRequest,
  type AuditEntry,
  type Grant,
  grantIdOf,
  InvalidRequest,
  type Origin,
  type Principal,
  type Resource,
  type ReviewRequest,
} from '#model'
import type { Grants, Requests } from '#services/access'
import type { Inventory } from '#services/inventory'
import {
  askedName,
  grantEntry,
  oneLine,
  principalEntry,
  requestEntry,
  sourceEntry,
} from '../record/index.ts'
import { type Approver, asked, type Rights, whyNotApprover } from '../rights/index.ts'

/** Somebody proves who they are, with the second factor, shortly before. */
const FRESH_MS = 15 * 60_000
/** An issuer's clock may be ahead by so much. */
const SKEW_MS = 60_000
const REVIEW_WITHIN_MS = 24 * 60 * 60_000

/** What it lifts is what a grant lifts: all that one can give. */
const ACTIONS = ['connect', 'read', 'write', 'define', 'administer', 'execute', 'tunnel'] as const

/** Of each answer, whatever the resource's settings keep: more than this at once the disk could not take. */
const ANSWER_BYTES = 2 * 1024 * 1024

export interface BreakGlassParts {
  readonly requests: Requests
  readonly grants: Grants
  readonly inventory: Inventory
  readonly rights: Rights
  readonly append: (entry: AuditEntry) => Promise<void>
  readonly now: () => number
}

interface Emergency {
  readonly resource: string
  readonly seconds: number
  readonly reason: string
}

export class BreakGlass {
  readonly #parts: BreakGlassParts
  /** Who is at it, and where: between being judged and holding it nobody takes it a second time. */
  readonly #taking = new Set<string>()

  constructor(parts: BreakGlassParts) {
    this.#parts = parts
  }

  /** Takes the right. Throws AccessDenied: not enrolled, no fresh second factor, or forbidden all the same. */
  async take(
    principal: Principal,
    wish: Emergency,
    origin: Origin,
  ): Promise<{ grant: Grant; review: ReviewRequest }> {
    const key = JSON.stringify([principal.id, wish.resource])
    if (this.#taking.has(key)) throw takenAlready()
    this.#taking.add(key)
    try {
      return await this.#take(principal, wish, origin)
    } finally {
      this.#taking.delete(key)
    }
  }

  async #take(
    principal: Principal,
    wish: Emergency,
    origin: Origin,
  ): Promise<{ grant: Grant; review: ReviewRequest }> {
    const { requests, grants, append, now } = this.#parts
    const about = {
      principal: principalEntry(principal),
      source: sourceEntry(origin),
      target: { resource: askedName(wish.resource) },
    }
    let resource: Resource
    try {
      resource = this.#mayTake(principal, wish.resource, origin)
      await this.#refuseRevoked(principal, resource)
    } catch (error) {
      // Not passed over: whoever tries is on record.
      if (error instanceof AccessDenied)
        await append({
          kind: 'request.refused',
          ...about,
          decision: { effect: 'deny', code: error.code },
          details: { breakGlass: true },
        })
      throw error
    }
    const until = now() + wish.seconds * 1000
    const made = await requests.create({
      kind: 'review',
      digest: createHash('sha256')
        .update(
          JSON.stringify([
            'sallyport glass v1',
            principal.issuer,
            principal.id,
            resource.name,
            until,
          ]),
        )
        .digest('hex'),
      resource: resource.name,
      protocol: resource.protocol,
      principal: principal.id,
      principalKind: principal.kind,
      excluded: [principal.id, ...principal.owners],
      message: 'the glass was broken: another person looks at what was done',
      policies: [],
      reason: oneLine(wish.reason),
      approvers: [],
      quorum: 1,
      until,
      expiresAt: now() + REVIEW_WITHIN_MS,
    })
    if (made.kind !== 'review') throw new Error('a review became another request')
    await append({
      kind: 'glass.broken',
      ...about,
      details: {
        request: made.id,
        principal: principal.id,
        actions: [...ACTIONS],
        expiresAt: until,
      },
    })
    const grant = await grants.createTaken(made, ACTIONS)
    await append(grantEntry(grant))
    return { grant, review: made }
  }

  /** Closes a review: by another person, whom Cedar permits to approve on the resource. */
  async review(
    reviewer: Principal,
    id: string,
    note: string,
    rights: Approver,
  ): Promise<AccessRequest> {
    const { requests, grants, append } = this.#parts
    const request = await requests.get(id)
    if (request.kind !== 'review')
      throw new InvalidRequest('request_conflict', `Request ${id} is not a review: decide it.`)
    const why = whyNotApprover(reviewer, request, rights)
    // What is done after somebody has looked, nobody would look at.
    const taken = await grants.find(grantIdOf(request))
    const ended = taken?.revokedAt !== undefined || this.#parts.now() >= request.until
    if (why === undefined && taken !== undefined && !ended)
      throw new InvalidRequest(
        'request_conflict',
        'The right holds still: it is reviewed when it is over.',
        { hint: `Wait until then, or end it: sallyport grants --revoke ${taken.id}` },
      )
    const by = principalEntry(reviewer)
    await append(
      requestEntry('glass.reviewed', request, {
        by,
        late: this.#parts.now() > request.expiresAt,
        ...(why === undefined ? {} : { refused: why }),
      }),
    )
    if (why !== undefined) throw new InvalidRequest('not_allowed', why)
    const after = await requests.apply(id, {
      kind: 'review',
      reviewer: reviewer.id,
      note: oneLine(note),
    })
    // Whoever follows along looks when this is said: by then it is so.
    await append(requestEntry('request.decided', after, { state: after.state }))
    return after
  }

  /** What somebody ended is not simply taken again: first another person looks at what was done. */
  async #refuseRevoked({ id }: Principal, { name }: Resource): Promise<void> {
    const { requests, grants } = this.#parts
    for (const review of await requests.openReviews(id, name)) {
      const taken = await grants.find(grantIdOf(review))
      if (taken?.revokedAt !== undefined)
        throw new AccessDenied(
          'not_allowed',
          'The glass that you broke here was revoked before its end, and nobody has reviewed it yet.',
          { hint: `It can be broken again when another person has reviewed ${review.id}.` },
        )
    }
  }

  #mayTake(principal: Principal, name: string, origin: Origin): Resource {
    const { inventory, rights, grants, now } = this.#parts
    const resource = inventory.get(name)
    const facts = rights.factsFor(principal, origin)
    const policies = resource && rights.policiesFor(principal, resource)
    // Unknown, not enrolled, an agent: one answer, so that names cannot be probed.
    if (policies === undefined || !policies.mayBreakGlass(facts)) {
      throw new AccessDenied(
        'not_allowed',
        `You may not break the glass on "${askedName(name)}".`,
        {
          hint: 'A policy permits Action::"break_glass" to people beforehand.',
        },
      )
    }
    const { mfa, authenticatedAt, issuedAt } = principal
    // Where the issuer does not tell, the identity itself has to be that new: a sign-in lasts for hours.
    const since = authenticatedAt ?? issuedAt
    const age = since === undefined ? Number.POSITIVE_INFINITY : now() - since
    if (!mfa || age > FRESH_MS || age < -SKEW_MS) {
      throw new AccessDenied(
        'step_up_required',
        'To break the glass you sign in with a second factor, 15 minutes before at most.',
        { hint: 'Sign in again: sallyport login.' },
      )
    }
    if (grants.holding(principal.id, name).some(({ breakGlass }) => breakGlass === true))
      throw takenAlready()
    const taken: Grant = {
      id: 'taken',
      principal: principal.id,
      resource: name,
      actions: ACTIONS,
      createdAt: now(),
      expiresAt: now() + 1_000,
      approvedBy: [],
      reason: '',
      breakGlass: true,
    }
    const broken = { ...facts, breakGlass: true, approved: false, reason: 'x' }
    const decision = rights
      .policiesWith(principal, resource as Resource, taken)
      .decide(asked('connect'), broken)
    if (decision.effect === 'deny' || decision.obligations.some(({ kind }) => kind === 'approve')) {
      throw new AccessDenied('forbidden', decision.message || 'A policy forbids it all the same.', {
        detail: `policies: ${decision.policies.join(', ')}`,
      })
    }
    return resource as Resource
  }
}

function takenAlready(): InvalidRequest {
  return new InvalidRequest('request_conflict', 'You have broken the glass here already.')
}

/** All that can be kept of it is kept. */
export function recordedInFull<Upstream>(resource: Resource<Upstream>): Resource<Upstream> {
  const answerBytes = Math.max(resource.recording.answerBytes, ANSWER_BYTES)
  return { ...resource, recording: { ...resource.recording, keep: 'answers', answerBytes } }
}
