// What a request makes of values that its principal may not see: a patch that asks for one, a body that would store the mask
// of one. The gateway judges both, as it does for every wire.
import { type RequestInfo, readsBody } from '#engines/kubernetes'
import { patchUses, storedValues } from '#engines/kubernetes-answers'
import type { Statement } from '#model'

/** (Whoever calls something a Secret keeps secrets in it: answers hide them too.) */
const holds = ({ group, resource }: RequestInfo): boolean =>
  resource === 'secrets' || (group === '' && resource === 'configmaps')

/** `type` and `bytes`: of the body as it goes on; undefined: there is none. */
export function hiddenUses(
  info: RequestInfo,
  { operations }: Pick<Statement, 'operations'>,
  type: string | undefined,
  bytes: Uint8Array | undefined,
): Pick<Statement, 'stored' | 'lineage'> & Partial<Pick<Statement, 'mayDeriveFrom'>> {
  if (bytes === undefined || !readsBody(info)) return {}
  const stored = () => storedValues(bytes)
  // (Other patches say what is to be there, and ask for nothing.)
  const asks = info.verb === 'patch' && /^\s*application\/json-patch\+json\b/i.test(type ?? '')
  const object = operations[0]?.object.name ?? ''
  return holds(info) && asks ? { stored, ...patchUses(bytes, object) } : { stored }
}
