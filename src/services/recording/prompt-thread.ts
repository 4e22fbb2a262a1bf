// A thread that reads one terminal's commands and ends with it: seconds of work, away from everybody's statements.
import { parentPort } from 'node:worker_threads'
import { loadPromptReader, type PromptPiece, type TypedCommand } from '#engines/terminal'

/** Pieces in order; none: that was all. */
export type Asked = readonly PromptPiece[] | undefined
/** Undefined: go on. */
export type Answered =
  | { readonly commands: readonly TypedCommand[]; readonly full: boolean }
  | undefined

const reader = await loadPromptReader()
const answer = (answered: Answered): void => parentPort?.postMessage(answered)
parentPort?.on('message', (asked: Asked) => {
  for (const piece of asked ?? []) reader.read(piece)
  answer(asked === undefined ? { commands: reader.commands, full: reader.full } : undefined)
  if (asked === undefined) parentPort?.close()
})
