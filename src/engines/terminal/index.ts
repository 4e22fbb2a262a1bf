// What a terminal showed, read again: as asciicast, and what it says by itself.
export { bytesOf, CastWriter, type Shown, StreamTexts, type TerminalSize } from './cast.ts'
export { type PromptPiece, PromptReader, type TypedCommand } from './prompts.ts'
