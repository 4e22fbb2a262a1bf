// The commands that talk to a gateway, and those that need none.
export { createProgram, fail } from './program.ts'
