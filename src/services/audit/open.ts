// Opens a log: lock, key, last signed head, recovery, and the first record of this run. Also the fork.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parseVkey, type Tile, tilePath } from '#engines/merkle'
import { ConfigurationError, type JsonObject } from '#model'
import type { AuditLog, AuditLogOptions } from './audit-log.ts'
import { Checkpointer } from './checkpointer.ts'
import { FileAuditLog } from './file-audit-log.ts'
import { nodeFiles } from './files.ts'
import { FolderLock, LogFolder } from './folder.ts'
import { GroupCommit } from './group-commit.ts'
import { GrowingTree } from './growing-tree.ts'
import { forkOrigin, loadSigner } from './keys.ts'
import { PublishedLog } from './published-log.ts'
import { RecordReader } from './record-reader.ts'
import { recover } from './recovery.ts'
import { SegmentWriter } from './segment-writer.ts'
import { readSignedHead, SignedHeads } from './signed-heads.ts'

const SEGMENT_BYTES = 64 * 1024 * 1024

/**
 * Opens the log for its one writer. Throws ConfigurationError, with what to do, when another writer has it, when
 * it is shorter than or differs from what was signed, or when its key is not there. Nothing is changed then.
 */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const folder = new LogFolder(options.folder)
  const lock = new FolderLock(folder)
  try {
    const forkedFrom = options.fork === true ? setAside(folder, options.origin) : undefined
    return await start(options, folder, lock, forkedFrom)
  } catch (error) {
    lock.release()
    throw error
  }
}

async function start(
  options: AuditLogOptions,
  folder: LogFolder,
  lock: FolderLock,
  forkedFrom: JsonObject | undefined,
): Promise<AuditLog> {
  const files = options.files ?? nodeFiles
  const isNew =
    folder.listSegments().length === 0 &&
    !existsSync(folder.checkpoint) &&
    !existsSync(folder.checkpoints)
  const { signer, vkey } = loadSigner(folder, options.origin, isNew)
  const onDisk = readSignedHead(folder, parseVkey(vkey))
  const early: Tile[] = []
  // A whole log may be read again when a tile is missing: what is on the disk already is not kept in memory.
  let addTile = (tile: Tile): void => {
    if (!isWritten(folder, tile)) early.push(tile)
  }
  const recovered = recover({ folder, files, onTile: tile => addTile(tile) }, onDisk.head)
  const tree = new GrowingTree(recovered.tree)
  const clean = existsSync(folder.closed) && onDisk.head?.size === tree.size
  rmSync(folder.closed, { force: true })

  const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES
  const writer = new SegmentWriter(
    { folder, files, segmentBytes },
    recovered.index,
    recovered.offset,
  )
  const commits = new GroupCommit({
    size: () => tree.size,
    sync: () => writer.sync(),
    onFailure: () => log.syncFailed(),
    waitMs: options.commitMs ?? 0,
  })
  const heads = new SignedHeads(folder, files, onDisk)
  const durable = (index: number): Promise<void> => commits.durable(index)
  const checkpointer = new Checkpointer({
    folder,
    files,
    signer,
    heads,
    tree,
    tiles: early,
    durable,
  })
  addTile = tile => checkpointer.addTile(tile)
  const reader = new RecordReader(folder, files, () => ({ index: writer.offsets, end: writer.end }))
  const log = new FileAuditLog({
    origin: signer.name,
    vkey,
    now: options.now,
    tree,
    writer,
    commits,
    checkpointer,
    reader,
    published: new PublishedLog({ folder, tree, reader, head: () => heads.head }),
    checkpointMs: options.checkpointMs ?? 1_000,
    heartbeatMs: options.heartbeatMs ?? 60_000,
    release: cleanly => {
      heads.close()
      if (cleanly) writeFileSync(folder.closed, '', { mode: 0o600 })
      lock.release()
    },
  })
  try {
    log.append({
      kind: 'log.start',
      details: {
        origin: signer.name,
        previous:
          onDisk.head === undefined
            ? null
            : { size: onDisk.head.size, root: Buffer.from(onDisk.head.root).toString('hex') },
        cleanShutdown: clean,
        ...(recovered.dropped === undefined ? {} : { dropped: { ...recovered.dropped } }),
        ...(forkedFrom === undefined ? {} : { forkedFrom }),
      },
    })
    // Signed before anything else is accepted: a log without a head is then only ever a start.
    await log.checkpoint()
    return log
  } catch (cause) {
    await log.close()
    throw new ConfigurationError(
      'configuration_invalid',
      `The audit log in ${folder.path} cannot be written. Make room or mend the disk, then start again.`,
      { cause },
    )
  }
}

function isWritten(folder: LogFolder, { level, index, bytes }: Tile): boolean {
  const path = folder.tile(tilePath(level, index))
  return existsSync(path) && Buffer.compare(readFileSync(path), bytes) === 0
}

const PARTS_OF_A_LOG = [
  'segments',
  'tile',
  'dropped',
  'checkpoint',
  'checkpoints.jsonl',
  'audit.vkey',
  'audit.closed',
]

/** Moves the log that is there to `forks/<number>`, and names its successor. Gives what the first record says of it. */
function setAside(folder: LogFolder, origin: string): JsonObject | undefined {
  if (!PARTS_OF_A_LOG.some(part => part !== 'segments' && existsSync(join(folder.path, part))))
    return undefined
  mkdirSync(folder.forks, { recursive: true, mode: 0o700 })
  const number = readdirSync(folder.forks).length + 1
  const aside = join(folder.forks, String(number).padStart(4, '0'))
  mkdirSync(aside, { mode: 0o700 })
  const text = (path: string): string | null =>
    existsSync(path) ? readFileSync(path, 'utf8').slice(0, 4096) : null
  const forkedFrom = {
    vkey: text(folder.vkey),
    checkpoint: text(folder.checkpoint),
    folder: `forks/${aside.slice(-4)}`,
  }
  for (const part of PARTS_OF_A_LOG) {
    if (existsSync(join(folder.path, part))) renameSync(join(folder.path, part), join(aside, part))
  }
  mkdirSync(folder.segments, { recursive: true, mode: 0o700 })
  // The new origin is written down before anything else: a crash from here on finds it.
  loadSigner(folder, forkOrigin(origin, number), true)
  return forkedFrom
}
