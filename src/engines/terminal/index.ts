// What a terminal showed, read again: as asciicast, and what it says by itself.
export { bytesOf, CastWriter, type Shown, StreamTexts, type TerminalSize } from './cast.ts'

export { wholeCharacters } from './characters.ts'
export { EchoedInput, type TypedPiece } from './echo.ts'

import type { KeyframeReader } from './keyframes.ts'
import type { PromptReader } from './prompts.ts'

export type { Keyframe, KeyframeReader } from './keyframes.ts'
export type { PromptPiece, PromptReader, TypedCommand } from './prompts.ts'

/** With the emulator, which nobody else needs. */
export async function loadPromptReader(): Promise<PromptReader> {
  return new (await import('./prompts.ts')).PromptReader()
}

/** With the emulator too. */
export async function loadKeyframeReader(bounds: { apart?: number } = {}): Promise<KeyframeReader> {
  return new (await import('./keyframes.ts')).KeyframeReader(bounds)
}
