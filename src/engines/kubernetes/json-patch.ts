// A JSON patch (RFC 6902) as what it puts where. It has to be told from the patch alone: what copies or moves makes new
// out of what the object holds, and is refused.
import { InvalidRequest } from '#model'
import { at, isObject, scalarText, type Tree } from './tree.ts'

export interface PatchStep {
  readonly op: 'add' | 'replace' | 'remove' | 'test'
  /** Decoded; places in lists are left out, and so is `-`. */
  readonly names: readonly string[]
  /** The same with these. */
  readonly way: readonly string[]
  readonly value: Tree | undefined
}

const OPS: ReadonlySet<string> = new Set(['add', 'replace', 'remove', 'test'])

/** Throws InvalidRequest. */
export function readSteps(patch: readonly Tree[]): readonly PatchStep[] {
  return patch.map(step => {
    const op = scalarText(at(step, 'op'))
    const path = at(step, 'path')
    if (op === 'copy' || op === 'move')
      throw new InvalidRequest(
        'statement_unsupported',
        `a JSON patch with \`${op}\` is not served: what it puts there is not in it`,
        { hint: 'Say the value itself, with add or replace.' },
      )
    // API servers pass over what stands before the first slash, whatever it is.
    if (!isObject(step) || op === undefined || !OPS.has(op) || !isPointer(path))
      throw new InvalidRequest(
        'statement_unreadable',
        'a step of the JSON patch is none: it needs `op` and a `path` that begins with a slash',
      )
    const way = wayOf(path)
    const names = way.filter(name => !/^(?:-?\d+|-)$/.test(name))
    return { op: op as PatchStep['op'], names, way, value: step.get('value') }
  })
}

function isPointer(path: Tree | undefined): path is string {
  return typeof path === 'string' && /^(?:\/(?:[^~/]|~[01])*)*$/.test(path)
}

function wayOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}
