// How much script a page loads: the entry and what it imports, and what each place adds. Needs the built console alone.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { WEB } from './stage.ts'

const MOST_BYTES = 200_000
/**
 * Places that may weigh more, by their file, for the editor of policies that they bring:
 * loaded when one goes there, and not before.
 */
const HEAVY: Readonly<Record<string, number>> = {
  page: 300_000,
  version: 300_000,
}

interface Chunk {
  readonly brotli: number
  readonly gzip: number
  /** Loaded with it. */
  readonly imports: readonly string[]
  /** Loaded when somebody goes there. */
  readonly later: readonly string[]
}

const chunks = new Map<string, Chunk>()
let entries: readonly string[]

beforeAll(() => {
  if (!existsSync(join(WEB, 'index.html')))
    throw new Error('build the console first: npm test does')
  for (const name of readdirSync(join(WEB, 'assets')).filter(each => each.endsWith('.js'))) {
    const bytes = readFileSync(join(WEB, 'assets', name))
    const text = bytes.toString('utf8')
    const named = (pattern: RegExp): string[] => [
      ...new Set([...text.matchAll(pattern)].map(found => found[1] ?? '')),
    ]
    chunks.set(name, {
      brotli: brotliCompressSync(bytes).length,
      gzip: gzipSync(bytes).length,
      imports: named(/\b(?:from|import)\s*["'`]\.\/([^"'`]+\.js)["'`]/g),
      later: named(/\bimport\(\s*["'`]\.\/([^"'`]+\.js)["'`]/g),
    })
  }
  const page = readFileSync(join(WEB, 'index.html'), 'utf8')
  entries = [...page.matchAll(/(?:src|href)="\/assets\/([^"]+\.js)"/g)].map(found => found[1] ?? '')
})

/** The chunks themselves and all that they cannot run without. */
function closure(names: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>()
  const add = (name: string): void => {
    if (all.has(name)) return
    all.add(name)
    const chunk = chunks.get(name)
    if (chunk === undefined) throw new Error(`${name} is imported and was not built`)
    chunk.imports.forEach(add)
  }
  names.forEach(add)
  return all
}

function weigh(names: ReadonlySet<string>, how: 'brotli' | 'gzip' = 'brotli'): number {
  return [...names].reduce((sum, name) => sum + (chunks.get(name)?.[how] ?? 0), 0)
}

describe('the script that a page loads', () => {
  it('is at most 200 kB compressed, on every place that brings no editor', () => {
    expect(entries.length).toBeGreaterThan(0)
    const first = closure(entries)
    const places = [...first].flatMap(name => chunks.get(name)?.later ?? [])
    expect(places.length).toBeGreaterThan(5)
    const weights = places.map(place => {
      const all = closure([...entries, place])
      const most =
        Object.entries(HEAVY).find(([name]) => place.startsWith(`${name}-`))?.[1] ?? MOST_BYTES
      return { place, bytes: weigh(all), gzip: weigh(all, 'gzip'), most }
    })
    const shown = weights
      .toSorted((a, b) => b.bytes - a.bytes)
      .map(({ place, bytes, gzip }) => `${place} ${bytes} (gzip ${gzip})`)
    // biome-ignore lint/suspicious/noConsole: the figures are what whoever runs this wants to read
    console.log(
      `entry ${weigh(first)} (gzip ${weigh(first, 'gzip')}); with it:\n${shown.join('\n')}`,
    )
    expect(weights.filter(({ bytes, most }) => bytes > most)).toEqual([])
    expect(
      weights.filter(({ gzip, most }) => gzip > most),
      'for a browser without brotli',
    ).toEqual([])
  })

  it('has no chunk that nothing leads to', () => {
    const reached = new Set<string>()
    const follow = (name: string): void => {
      if (reached.has(name)) return
      reached.add(name)
      const chunk = chunks.get(name)
      for (const next of [...(chunk?.imports ?? []), ...(chunk?.later ?? [])]) follow(next)
    }
    entries.forEach(follow)
    expect([...chunks.keys()].filter(name => !reached.has(name))).toEqual([])
  })
})
