// Builds logs in temporary folders for tests, on a clock that tests turn and a disk that tests break.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditEntry } from '#model'
import {
  type AuditLog,
  type AuditLogOptions,
  type LogFiles,
  nodeFiles,
  openAuditLog,
} from './index.ts'

export const ORIGIN = 'example.com/audit/one'

export const entry = (at: number): AuditEntry => ({
  kind: 'statement.permitted',
  session: 's-1',
  principal: { id: 'idp:agent-7', kind: 'agent' },
  action: { verbs: ['SELECT'], objects: ['public.customers'] },
  details: { at },
})

/** A folder that `clean` removes. */
export function temporaryFolder(): { path: string; clean: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-audit-'))
  return { path, clean: () => rmSync(path, { recursive: true, force: true }) }
}

/** Opens a log without timers, on a clock that stands at the start of 2026 unless told otherwise. */
export function openTestLog(
  folder: string,
  more: Partial<AuditLogOptions> = {},
): Promise<AuditLog> {
  return openAuditLog({
    folder,
    origin: ORIGIN,
    now: () => 1_767_225_600_000,
    checkpointMs: 0,
    ...more,
  })
}

/** Adds `count` entries. */
export function fill(log: AuditLog, count: number): void {
  for (let at = 0; at < count; at++) log.append(entry(at))
}

/** A disk whose calls fail while the test says so. */
export function brokenDisk(): LogFiles & {
  broken: Partial<Record<keyof LogFiles, Error | 'short'>>
} {
  const broken: Partial<Record<keyof LogFiles, Error | 'short'>> = {}
  const check = (name: keyof LogFiles): void => {
    const how = broken[name]
    if (how instanceof Error) throw how
  }
  return {
    broken,
    open: (path, flags) => {
      check('open')
      return nodeFiles.open(path, flags)
    },
    read: nodeFiles.read,
    write: (fd, bytes, length, position) => {
      check('write')
      return nodeFiles.write(fd, bytes, broken.write === 'short' ? length >> 1 : length, position)
    },
    truncate: (fd, length) => {
      check('truncate')
      nodeFiles.truncate(fd, length)
    },
    close: nodeFiles.close,
    sync: async fd => {
      check('sync')
      await nodeFiles.sync(fd)
    },
    replace: async (path, text) => {
      check('replace')
      await nodeFiles.replace(path, text)
    },
    writeDerived: async (path, bytes) => {
      check('writeDerived')
      await nodeFiles.writeDerived(path, bytes)
    },
    syncFolder: nodeFiles.syncFolder,
  }
}

export function diskFull(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
}
