// A plugin's own thread: loads the module, says what it has, and answers for ever. It has no environment, a bounded
// heap, and of the gateway's memory only the channel. It is the operator's own code: this keeps accidents in, not malice.
import { Buffer } from 'node:buffer'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { Channel, DETECT } from './channel.ts'
import type { Plugin, PluginDetector } from './plugin.ts'

/** What a module has, as its thread tells. */
export interface Offer {
  readonly detectors: readonly { readonly name: string; readonly hints: readonly string[] }[]
  readonly maskers: readonly string[]
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
const HINT = /^[\x20-\x7e]{2,64}$/
/** More than it may write, and a value would outgrow what is reserved for it. */
const LONGER = 48

const { file, shared, version } = workerData as {
  file: string
  shared: SharedArrayBuffer
  version: string
}
const channel = new Channel(shared)

function checked(exported: unknown): Plugin {
  const wrong = (what: string): never => {
    throw new Error(what)
  }
  if (typeof exported !== 'object' || exported === null)
    wrong('it exports no object named "plugin"')
  const plugin = exported as Plugin
  const known = (what: string, value: object, keys: readonly string[]) => {
    const other = Object.keys(value).find(key => !keys.includes(key))
    if (other !== undefined) wrong(`${what} has a "${other}": ${keys.join(', ')} is all there is`)
  }
  known('it', plugin, ['detectors', 'maskers'])
  for (const [name, detector] of Object.entries(plugin.detectors ?? {})) {
    if (!NAME.test(name)) wrong(`a detector is named "${name}": lower case, digits and dashes`)
    if (typeof detector?.detect !== 'function')
      wrong(`the detector "${name}" has no function detect`)
    known(`the detector "${name}"`, detector, ['hints', 'detect', 'match', 'mustNotMatch'])
    if (isAsync(detector.detect)) wrong(`the detector "${name}" is async, and nobody waits for it`)
    const bad = detector.hints?.find(hint => typeof hint !== 'string' || !HINT.test(hint))
    if (bad !== undefined) wrong(`a hint of "${name}" is not of two to 64 characters of ASCII`)
    tryExamples(name, detector, wrong)
  }
  for (const [name, masker] of Object.entries(plugin.maskers ?? {})) {
    if (!NAME.test(name)) wrong(`a masker is named "${name}": lower case, digits and dashes`)
    if (typeof masker?.mask !== 'function') wrong(`the masker "${name}" has no function mask`)
    known(`the masker "${name}"`, masker, ['mask'])
    if (isAsync(masker.mask)) wrong(`the masker "${name}" is async, and nobody waits for it`)
  }
  return plugin
}

/** By its name, as each thread has a class of its own for them. */
function isAsync(given: (text: string) => unknown): boolean {
  return given.constructor.name === 'AsyncFunction'
}

function tryExamples(name: string, detector: PluginDetector, wrong: (what: string) => never): void {
  for (const [texts, wanted] of [
    [detector.match ?? [], true],
    [detector.mustNotMatch ?? [], false],
  ] as const) {
    for (const [index, text] of texts.entries()) {
      const hinted =
        detector.hints === undefined || detector.hints.some(hint => text.includes(hint))
      if ((hinted && detector.detect(text).length > 0) === wanted) continue
      const key = wanted ? 'match' : 'mustNotMatch'
      wrong(`the detector "${name}" finds ${wanted ? 'nothing' : 'something'} in ${key}[${index}]`)
    }
  }
}

// The query makes a file that was changed a new module.
const module: { plugin?: unknown } = await import(`${pathToFileURL(file).href}?${version}`)
const plugin = checked(module.plugin)
const detectors = Object.entries(plugin.detectors ?? {})
const maskers = Object.entries(plugin.maskers ?? {})
const offer: Offer = {
  detectors: detectors.map(([name, { hints }]) => ({ name, hints: [...(hints ?? [])] })),
  maskers: maskers.map(([name]) => name),
}
parentPort?.postMessage(offer)

channel.serve((kind, which, length) => {
  try {
    const bytes = Buffer.from(channel.question.subarray(0, length))
    const text = bytes.toString('utf8')
    // Offsets would not be those of the bytes.
    if (Buffer.byteLength(text) !== length) return -1
    return kind === DETECT ? detect(which, text) : mask(which, text)
  } catch {
    // The value is redacted whole: that is what a failure means on the other side.
    return -1
  }
})

/** Writes pairs of byte offsets, by start; how many bytes they take. */
function detect(which: number, text: string): number {
  const found = [...detectors[which]![1].detect(text)].sort((a, b) => a.start - b.start)
  const view = new DataView(channel.answer.buffer, channel.answer.byteOffset, channel.answer.length)
  if (found.length * 8 > channel.answer.length) return -1
  for (const [i, { start, end }] of found.entries()) {
    const sane =
      Number.isInteger(start) &&
      Number.isInteger(end) &&
      start >= 0 &&
      start < end &&
      end <= text.length
    if (!sane) return -1
    view.setUint32(i * 8, Buffer.byteLength(text.slice(0, start)))
    view.setUint32(i * 8 + 4, Buffer.byteLength(text.slice(0, end)))
  }
  return found.length * 8
}

function mask(which: number, text: string): number {
  const masked: unknown = maskers[which]![1].mask(text)
  if (typeof masked !== 'string') return -1
  const bytes = Buffer.from(masked)
  if (bytes.length > Buffer.byteLength(text) + LONGER || masked.includes('\0')) return -1
  channel.answer.set(bytes)
  return bytes.length
}
