// The audit entries of what happens to access requests, and to the rights that follow from them. No text and no value goes in.
import type { AccessRequest, AuditEntry, Grant } from '#model'

export function requestEntry(
  kind: AuditEntry['kind'],
  request: AccessRequest,
  details: AuditEntry['details'] = {},
): AuditEntry {
  return {
    kind,
    ...(request.kind === 'statement' ? { session: request.session } : {}),
    target: { resource: request.resource, protocol: request.protocol },
    details: {
      request: request.id,
      kind: request.kind,
      digest: request.digest,
      principal: request.principal,
      ...details,
    },
  }
}

/** A right that follows from a request. */
export function grantEntry(grant: Grant): AuditEntry {
  const { id, request, principal, actions, maxUses, expiresAt } = grant
  return {
    kind: 'grant.created',
    target: { resource: grant.resource },
    details: {
      grant: id,
      ...(request === undefined ? {} : { request }),
      to: principal,
      actions: [...actions],
      ...(maxUses === undefined ? {} : { uses: maxUses }),
      expiresAt,
    },
  }
}

/** `why`: its time is over, or somebody ended it. */
export function grantEndedEntry(grant: Grant, why: 'expired' | 'revoked'): AuditEntry {
  return {
    kind: 'grant.ended',
    target: { resource: grant.resource },
    details: { grant: grant.id, to: grant.principal, why },
  }
}
