// Colours for a person at a terminal only: never in a pipe, a file or a CI log, where they would be noise.
import { createColors } from 'picocolors'
import { commandEnvironment } from '#config'

export const colors = createColors(process.stdout.isTTY === true && commandEnvironment().colour)
