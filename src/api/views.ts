// From our words to the contract's shapes.

import type {
  AccessRequestView,
  GrantView,
  PolicySummaryView,
  PrincipalView,
  ResourceView,
  SessionView,
  WhyView,
} from '#contract'
import type { PolicySummary, RevealWhy, Why } from '#engines/policy'
import type { UsesWhy } from '#gateway'
import {
  type AccessRequest,
  askedFor,
  type Grant,
  grantIdOf,
  type Preview,
  type Principal,
  type Resource,
  type SessionSummary,
  type TimeTerms,
} from '#model'
import type { ApiParts } from './parts.ts'

export function principalView(principal: Principal): PrincipalView {
  const actor = principal.actors[0]?.id
  return {
    id: principal.id,
    kind: principal.kind,
    name: principal.name,
    issuer: principal.issuer,
    groups: [...principal.groups],
    ...(actor === undefined ? {} : { actor }),
    owners: [...principal.owners],
    mfa: principal.mfa,
    run: principal.run,
    expiresAt: principal.expiresAt,
  }
}

export function resourceView(parts: ApiParts, resource: Resource): ResourceView {
  const protocol = parts.protocols.find(each => each.name === resource.protocol)
  const endpoint = parts.endpoint(resource.protocol)
  const reach = endpoint && { ...endpoint, resource: resource.name, ca: parts.ca }
  return {
    name: resource.name,
    protocol: resource.protocol,
    ...(protocol === undefined ? {} : { label: protocol.label }),
    tags: { ...resource.tags },
    ...(endpoint === undefined ? {} : { endpoint }),
    connect: protocol && reach ? [...protocol.connectHint(reach)] : [],
    tool: protocol ? [...protocol.tool.command] : [],
  }
}

/** Texts over `most` characters are cut, and say so. `preview`: what it would do is shown too. */
export function requestView(
  request: AccessRequest,
  {
    mayVote,
    preview: shows,
    most,
    tags,
  }: { mayVote: boolean; preview: boolean; most: number; tags: Resource['tags'] },
): AccessRequestView {
  const cut = (text: string): string =>
    text.length <= most
      ? text
      : `${text.slice(0, most)}… CUT: ${text.length - most} more characters; see the request itself`
  return {
    id: request.id,
    kind: request.kind,
    state: request.state,
    resource: request.resource,
    protocol: request.protocol,
    principal: request.principal,
    principalKind: request.principalKind,
    ...(request.actor === undefined ? {} : { actor: request.actor }),
    owners: request.excluded.filter(id => id !== request.principal && id !== request.actor),
    tags: { ...tags },
    statement: cut(askedFor(request)),
    message: request.message,
    policies: [...request.policies],
    ...(request.reason === undefined ? {} : { reason: request.reason }),
    approvers: [...request.approvers],
    quorum: request.quorum,
    ...(request.needs === undefined
      ? {}
      : { needs: request.needs.map(({ groups, count }) => ({ groups: [...groups], count })) }),
    votes: request.votes.map(({ counts, ...vote }) => ({
      ...vote,
      ...(counts === undefined ? {} : { counts: [...counts] }),
    })),
    createdAt: request.createdAt,
    expiresAt: request.expiresAt,
    digest: request.digest,
    ...ofKind(request, shows, cut),
    mayVote,
  }
}

type OfKind = Pick<AccessRequestView, 'parameters' | 'objects' | 'verbs' | 'flags'> &
  Partial<AccessRequestView>

/** A right for a time expires unapproved too: then there is none. */
const ONCE_APPROVED: ReadonlySet<string> = new Set(['approved', 'consumed', 'revoked'])

const NO_STATEMENT = { parameters: [], objects: [], verbs: [], flags: [] }

function ofKind(request: AccessRequest, shows: boolean, cut: (text: string) => string): OfKind {
  switch (request.kind) {
    case 'statement': {
      const { preview, defaultMaxRows, maxRows } = request
      return {
        session: request.session,
        parameters: request.parameters.map(value => (value === null ? null : cut(value))),
        objects: [...request.objects],
        verbs: [...request.verbs],
        flags: [...request.flags],
        ...(preview === undefined || !shows ? {} : { preview: previewView(preview, cut) }),
        ...(defaultMaxRows === undefined || !shows ? {} : { defaultMaxRows }),
        ...(maxRows === undefined ? {} : { maxRows }),
      }
    }
    case 'time':
      return {
        ...NO_STATEMENT,
        ...termsView(request),
        outlook: request.outlook.map(each => ({ ...each })),
        ...(request.approved === undefined ? {} : { approved: termsView(request.approved) }),
        ...(ONCE_APPROVED.has(request.state) ? { grant: grantIdOf(request) } : {}),
      }
    case 'review':
      return { ...NO_STATEMENT, grant: grantIdOf(request), until: request.until }
  }
}

function termsView({
  actions,
  seconds,
  uses,
}: TimeTerms): NonNullable<AccessRequestView['approved']> {
  return { actions: [...actions], seconds, ...(uses === undefined ? {} : { uses }) }
}

function previewView(
  { tables, plan, changes, notes, ...shown }: Preview,
  cut: (text: string) => string,
): NonNullable<AccessRequestView['preview']> {
  return {
    ...shown,
    tables: [...tables],
    ...(plan === undefined ? {} : { plan: cut(plan) }),
    ...(changes === undefined ? {} : { changes: cut(changes) }),
    notes: [...notes],
  }
}

export function grantView(grant: Grant): GrantView {
  const { answers: _answers, ...shown } = grant
  return { ...shown, actions: [...grant.actions], approvedBy: [...grant.approvedBy] }
}

export function sessionView(session: SessionSummary): SessionView {
  const { origin, ...shown } = session
  return { ...shown, ip: origin.ip, client: origin.client }
}

export function policySummaryView({ annotations, ...shown }: PolicySummary): PolicySummaryView {
  return { ...shown, annotations: { ...annotations } }
}

/** `names`: where the statement's names were resolved. */
export function whyView(
  answer: Why,
  uses: Omit<UsesWhy, 'refusal' | 'classes'> & {
    readonly refusal:
      | { readonly error: { code: string; message: string; hint?: string | undefined } }
      | undefined
  },
  classes: readonly RevealWhy[],
  names: WhyView['names'],
): WhyView {
  const { refusal } = uses
  const refused = answer.effect === 'permit' ? refusal?.error : undefined
  const { effect, code, message, hint } = answer
  return {
    ...(refused === undefined
      ? { effect, code, message, hint }
      : { effect: 'deny', code: refused.code, message: refused.message, hint: refused.hint ?? '' }),
    obligations: refused === undefined ? answer.obligations.map(each => ({ ...each })) : [],
    policies: [...answer.policies],
    operations: answer.operations.map(({ considered: _considered, errors: _errors, ...shown }) => ({
      ...shown,
      policies: [...shown.policies],
    })),
    names,
    predicates: uses.rule,
    classes: [...classes],
    statements: [...uses.statements],
  }
}
