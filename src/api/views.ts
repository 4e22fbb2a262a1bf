// From our words to the contract's shapes.

import type {
  AccessRequestView,
  GrantView,
  PrincipalView,
  ResourceView,
  SessionView,
  WhyView,
} from '#contract'
import type { RevealWhy, Why } from '#engines/policy'
import type { UsesWhy } from '#gateway'
import type { AccessRequest, Grant, Preview, Principal, Resource, SessionSummary } from '#model'
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
  { mayVote, preview: shows, most }: { mayVote: boolean; preview: boolean; most: number },
): AccessRequestView {
  const {
    excluded: _excluded,
    operations: _operations,
    functions: _functions,
    preview,
    defaultMaxRows,
    ...shown
  } = request
  const cut = (text: string): string =>
    text.length <= most
      ? text
      : `${text.slice(0, most)}… CUT: ${text.length - most} more characters; see the request itself`
  return {
    ...shown,
    statement: cut(shown.statement),
    parameters: shown.parameters.map(value => (value === null ? null : cut(value))),
    objects: [...shown.objects],
    verbs: [...shown.verbs],
    flags: [...shown.flags],
    policies: [...shown.policies],
    approvers: [...shown.approvers],
    votes: [...shown.votes],
    ...(preview === undefined || !shows ? {} : { preview: previewView(preview, cut) }),
    ...(defaultMaxRows === undefined || !shows ? {} : { defaultMaxRows }),
    mayVote,
  }
}

function previewView(
  { tables, plan, notes, ...shown }: Preview,
  cut: (text: string) => string,
): NonNullable<AccessRequestView['preview']> {
  return {
    ...shown,
    tables: [...tables],
    ...(plan === undefined ? {} : { plan: cut(plan) }),
    notes: [...notes],
  }
}

export function grantView(grant: Grant): GrantView {
  return { ...grant, actions: [...grant.actions], approvedBy: [...grant.approvedBy] }
}

export function sessionView(session: SessionSummary): SessionView {
  const { origin, ...shown } = session
  return { ...shown, ip: origin.ip, client: origin.client }
}

/** `names`: where the statement's names were resolved. */
export function whyView(
  answer: Why,
  uses: UsesWhy,
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
