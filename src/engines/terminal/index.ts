// What a terminal showed, read again: as asciicast, and what it says by itself.
export { bytesOf, CastWriter, type Shown, type TerminalSize } from './cast.ts'
