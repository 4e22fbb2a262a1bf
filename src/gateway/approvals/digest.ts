// What an approval is bound to: standards.md 2.1. Raw bytes, no normal form: any change is another digest.
import { createHash } from 'node:crypto'
import type { Principal, Resource, Statement, StatementDigest } from '#model'

/**
 * SHA-256 (hex) over length-prefixed fields, so that no two different askings share an encoding.
 * The connection is not part of it, or a retry could never match; the policy is not part of it
 * because it is evaluated again when the approval is consumed.
 */
export function digestOf(
  principal: Principal,
  resource: Pick<Resource, 'name' | 'protocol'>,
  statement: Pick<Statement, 'text' | 'parameters' | 'state'>,
): StatementDigest {
  const hash = createHash('sha256')
  const field = (value: string | Uint8Array): void => {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    hash.update(length).update(bytes)
  }
  field('sallyport statement digest v2')
  field(resource.name)
  field(resource.protocol)
  field(principal.issuer)
  // One subject can be a person by one claim and an agent by another.
  field(principal.kind)
  field(principal.id)
  field(principal.actors[0]?.kind ?? '')
  field(principal.actors[0]?.id ?? '')
  const state = Object.entries(statement.state ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  field(String(state.length))
  for (const [name, value] of state) {
    field(name)
    field(value)
  }
  field(statement.text)
  field(String(statement.parameters?.length ?? 0))
  for (const parameter of statement.parameters ?? []) {
    field(parameter.type)
    field(parameter.format)
    field(parameter.value === null ? 'null' : 'value')
    field(parameter.value ?? '')
  }
  return hash.digest('hex')
}
