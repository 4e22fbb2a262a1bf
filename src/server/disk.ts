// What lies in the data folder and must be there before anything else: the folder itself, the log, the store.
import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError, isGatewayError } from '#model'
import { accessMigrations } from '#services/access'
import { type AuditLog, openAuditLog } from '#services/audit'
import { channelMigrations } from '#services/channels'
import { type Database, openDatabase } from '#services/db'
import { identityMigrations } from '#services/identity'
import { policyMigrations } from '#services/policies'
import { recordingMigrations } from '#services/recording'
import type { Log } from '#telemetry'
import type { Server } from './server.ts'

export interface Disk {
  readonly audit: AuditLog
  readonly store: Database
}

export async function openDisk({ config, now, undo }: Server, fork: boolean): Promise<Disk> {
  makeDataFolder(config.data)
  const audit = await openAuditLog({
    folder: join(config.data, 'audit'),
    origin: 'sallyport/audit/1',
    now,
    fork,
  })
  undo.push(() => audit.close())
  const store = await openDatabase(join(config.data, 'store.sqlite'), [
    identityMigrations,
    accessMigrations,
    recordingMigrations,
    policyMigrations,
    channelMigrations,
  ])
  undo.push(() => store.close())
  return { audit, store }
}

/** For changes that are in force already: that the log cannot be written stops every statement by itself. */
export function onRecord(log: Log, append: () => number): void {
  try {
    append()
  } catch (error) {
    if (!isGatewayError(error)) throw error
    // Safe: nothing is permitted while the log cannot be written; the operator hears why.
    log.error({ err: error }, 'audit.append_failed')
  }
}

/** The data folder, ours alone. Throws ConfigurationError when it cannot be written. */
function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'it failed'
    // Something else has its name, or that of a folder above it.
    const no =
      code === 'EEXIST' || code === 'ENOTDIR' ? 'is no folder' : `cannot be written (${code})`
    throw new ConfigurationError('configuration_invalid', `The data folder ${folder} ${no}.`, {
      cause,
    })
  }
}
