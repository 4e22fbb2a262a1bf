// Reads the records of an audit log from its files, as docs/spec/audit-log.md section 3 describes them: what is
// there has left the process. Shares no code with the writer; checks nothing (that is `audit verify`).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface AuditRecord {
  readonly seq: number
  readonly ts: string
  readonly kind: string
  readonly session?: string
  readonly action?: { readonly verbs?: readonly string[]; readonly objects?: readonly string[] }
  readonly details?: Readonly<Record<string, unknown>>
}

const MARK_BYTES = 16
const HEADER_BYTES = 8

/** All whole records under a gateway's data folder, in order. */
export function auditRecords(data: string): AuditRecord[] {
  const folder = join(data, 'audit', 'segments')
  const records: AuditRecord[] = []
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.log')) continue
    const bytes = readFileSync(join(folder, name))
    for (let at = MARK_BYTES; at + HEADER_BYTES <= bytes.length; ) {
      const end = at + HEADER_BYTES + bytes.readUInt32BE(at)
      if (end > bytes.length) break
      records.push(JSON.parse(bytes.toString('utf8', at + HEADER_BYTES, end)))
      at = end
    }
  }
  return records
}
