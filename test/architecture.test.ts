// Holds the walls of ARCHITECTURE.md: who may import whom, one door per room, no protocol's name outside
// its folder, no clock or I/O in the engines. Do not relax these rules to make a change pass.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'
import { reasonCodes } from '#model'

const ROOT = resolve(import.meta.dirname, '..')
const SRC = join(ROOT, 'src')

/** Room → the rooms it may import. `x/*` stands for every room below x. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  model: [],
  contract: ['model'],
  'engines/*': ['model'],
  'engines/http': ['model', 'engines/json'],
  // Bodies are JSON among others, and what is hidden in them is masked.
  'engines/bodies': ['model', 'engines/json', 'engines/masking'],
  // What is hidden in bodies is masked in these too.
  'engines/kubernetes-answers': ['model', 'engines/json', 'engines/masking', 'engines/bodies'],
  'engines/policy': ['model', 'engines/addresses'],
  // Requests of this API are HTTP requests, and their bodies JSON, whatever they are written in.
  'engines/kubernetes': ['model', 'engines/http', 'engines/json', 'engines/kubernetes-protobuf'],
  telemetry: ['model'],
  config: ['model'],
  transport: ['model', 'engines/wire', 'telemetry'],
  // Its own door: nobody who speaks no HTTP loads it.
  'transport/http': ['model', 'engines/wire', 'engines/addresses', 'transport', 'telemetry'],
  'services/db': ['model'],
  'services/*': ['model', 'engines/*', 'services/db', 'config', 'telemetry'],
  gateway: ['model', 'engines/*', 'transport', 'services/*', 'config', 'telemetry'],
  // What the wires that stand on HTTP share.
  proxy: ['model', 'engines/*', 'transport', 'transport/http', 'gateway', 'telemetry'],
  'protocols/*': [
    'model',
    'engines/*',
    'transport',
    'transport/http',
    'gateway',
    'proxy',
    'telemetry',
  ],
  protocols: ['protocols/*', 'gateway'],
  api: ['model', 'contract', 'services/*', 'gateway', 'engines/policy', 'config', 'telemetry'],
  // services/policies and services/plugins: only what reads policy folders and tries plugins, so that a CI job can
  // check them without a gateway.
  cli: [
    'model',
    'contract',
    'transport',
    'engines/*',
    'config',
    'services/policies',
    'services/plugins',
  ],
  // Joins them all. Imported by main.ts alone: no rule names it.
  server: [
    'model',
    'contract',
    'engines/masking',
    'transport',
    'services/*',
    'gateway',
    'protocols',
    'api',
    'config',
    'telemetry',
  ],
}
/**
 * Rooms within a room, from the lowest up: each may import those named with it, which stand above it here. What puts
 * them together lies beside them, and none of them knows it.
 */
const INNER: Record<string, Record<string, readonly string[]>> = {
  gateway: {
    protocol: [],
    sight: ['protocol'],
    record: ['protocol', 'sight'],
    rights: ['sight', 'record'],
    logins: ['protocol', 'record'],
    obligations: ['protocol'],
    approvals: ['protocol', 'record', 'rights', 'obligations'],
    grants: ['record', 'rights', 'obligations'],
    sessions: [
      'protocol',
      'sight',
      'record',
      'rights',
      'logins',
      'obligations',
      'approvals',
      'grants',
    ],
  },
}
/** The file that may import everything and that nobody imports. */
const ROOTS = ['main.ts']
/** What lists the rooms beside it. */
const REGISTRIES = ['protocols/index.ts', 'protocols/credential-plugins.ts']

const GRAB_BAGS = /(^|\/)(utils?|helpers?|common|core|misc|managers?|lib)(\.|\/|$)/

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })
}

function roomOf(path: string): string {
  const parts = relative(SRC, path).split(sep)
  if (parts.length === 1) return parts[0]!
  const wide = ['engines', 'services', 'protocols', 'transport'].includes(parts[0]!)
  return wide && parts.length > 2 ? `${parts[0]}/${parts[1]}` : parts[0]!
}

function allowed(room: string): readonly string[] {
  return MAY_IMPORT[room] ?? MAY_IMPORT[`${room.split('/')[0]}/*`] ?? []
}

function permits(rules: readonly string[], target: string): boolean {
  return rules.some(
    rule => rule === target || (rule.endsWith('/*') && target.startsWith(rule.slice(0, -1))),
  )
}

/** The room within a room that a file is in; undefined beside them. */
function innerOf(room: string, path: string): string | undefined {
  const [name, rest] = relative(join(SRC, room), path).split(sep)
  return rest === undefined ? undefined : name!
}

function mayReach(room: string, from: string, target: string): boolean {
  if (!target.startsWith('.')) return target !== `#${room}`
  const path = resolve(dirname(from), target)
  const [here, there] = [innerOf(room, from), innerOf(room, path)]
  if (here === there) return true
  // What is beside the rooms knows them all, and none of them knows it.
  if (there === undefined || path !== join(SRC, room, there, 'index.ts')) return false
  return here === undefined || INNER[room]![here]?.includes(there) === true
}

const files = sources(SRC).map(path => {
  const text = readFileSync(path, 'utf8')
  const imports = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/g,
    ),
  ].map(found => (found[1] ?? found[2])!)
  return { path, name: relative(SRC, path), room: roomOf(path), text, imports }
})
/** Without comments, so that prose may say what code may not. */
const code = (text: string): string =>
  // OpenAPI's own word for bearer tokens, which happens to be a protocol's name too.
  text
    .replace("type: 'http', scheme: 'bearer'", '')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/[^\n]*/g, '$1')
const inTest = (name: string): boolean => /\.test\.ts$|(^|\/)harness\.ts$/.test(name)

describe('the architecture', () => {
  it('lets a room import only the rooms below it', () => {
    const wrong = files.flatMap(file =>
      ROOTS.includes(file.name)
        ? []
        : file.imports
            .filter(target => target.startsWith('#'))
            .map(target => target.slice(1))
            .filter(target => target !== file.room && !permits(allowed(file.room), target))
            .map(target => `${file.name} imports #${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('enters a room by its door only', () => {
    const wrong = files.flatMap(file =>
      file.imports
        .filter(target => target.startsWith('.'))
        .filter(target => roomOf(resolve(dirname(file.path), target)) !== file.room)
        .filter(
          () => !ROOTS.includes(file.name) && !REGISTRIES.includes(file.name) && !inTest(file.name),
        )
        .map(target => `${file.name} reaches into ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('lets a room within a room import only those that stand below it, by their doors', () => {
    const wrong = Object.entries(INNER).flatMap(([room, inner]) => {
      const names = Object.keys(inner)
      const upward = names.flatMap((name, at) =>
        inner[name]!.filter(each => !names.slice(0, at).includes(each)).map(
          each => `${room}/${name} is to import ${each}, which does not stand below it`,
        ),
      )
      const reaching = files
        .filter(file => file.room === room && !inTest(file.name))
        .flatMap(({ path, name, imports }) =>
          imports
            .filter(target => !mayReach(room, path, target))
            .map(target => `${name} imports ${target}`),
        )
      return [...upward, ...reaching]
    })
    expect(wrong).toEqual([])
  })

  it('lets nobody import main.ts, and nobody else the server', () => {
    const wrong = files.filter(file =>
      file.imports.some(target => {
        if (!target.startsWith('.')) return target === '#server' && file.name !== 'main.ts'
        const path = resolve(dirname(file.path), target)
        return (
          path === join(SRC, 'main.ts') || (roomOf(path) === 'server' && file.room !== 'server')
        )
      }),
    )
    expect(wrong.map(file => file.name).filter(name => !inTest(name))).toEqual([])
  })

  it('keeps a protocol’s name inside its own folder', () => {
    const names = readdirSync(join(SRC, 'protocols'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
    const wrong = files.flatMap(file =>
      names
        .filter(name => !file.name.startsWith(join('protocols', name) + sep))
        // Rooms whose subject has the protocol's name: a dialect, a scheme.
        .filter(() => !file.name.startsWith(join('engines', 'sql')))
        .filter(() => !file.name.startsWith(join('transport', 'http')))
        .filter(
          name => !inTest(file.name) && new RegExp(`['"\`]${name}['"\`]`).test(code(file.text)),
        )
        .map(name => `${file.name} names ${name}`),
    )
    expect(wrong).toEqual([])
  })

  it('has a folder for each protocol in the registry, and the reverse', async () => {
    const { protocols } = await import('#protocols')
    const folders = readdirSync(join(SRC, 'protocols'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
    expect(protocols.map(protocol => protocol.name).sort()).toEqual(folders.sort())
  })

  it('has no grab-bags', () => {
    expect(files.map(file => file.name).filter(name => GRAB_BAGS.test(name))).toEqual([])
  })

  it('has no default exports', () => {
    const wrong = files.filter(file => /(^|\n)export default/.test(file.text))
    expect(wrong.map(file => file.name)).toEqual([])
  })

  it('reads the environment only in config', () => {
    const wrong = files.filter(
      file => file.room !== 'config' && /process\.env\b/.test(code(file.text)),
    )
    expect(wrong.map(file => file.name).filter(name => !inTest(name))).toEqual([])
  })

  it('keeps clocks, randomness and I/O out of the engines', () => {
    const forbidden =
      /\bDate\.now\(|new Date\(\s*\)|Math\.random\(|performance\.now\(|setTimeout\(|setInterval\(|process\./
    const wrong = files
      .filter(file => file.room.startsWith('engines/') && !inTest(file.name))
      .flatMap(file => [
        ...file.imports
          .filter(
            target =>
              target.startsWith('node:') && !['node:crypto', 'node:buffer'].includes(target),
          )
          .map(target => `${file.name} imports ${target}`),
        ...(forbidden.test(code(file.text))
          ? [`${file.name} reads a clock, a die or the process`]
          : []),
      ])
    expect(wrong).toEqual([])
  })

  it('lets the console know the contract alone, and its rooms only those below them', () => {
    const web = join(ROOT, 'web')
    const storeys = ['ui', 'data', 'features', 'app']
    const storeyOf = (path: string): number => storeys.indexOf(relative(web, path).split(sep)[0]!)
    const wrong = sources(web).flatMap(path => {
      const text = readFileSync(path, 'utf8')
      const imports = [...text.matchAll(/from '([^']+)'/g)].map(found => found[1]!)
      return imports
        .filter(target => {
          if (target.startsWith('#')) return target !== '#contract'
          if (!target.startsWith('.') || storeyOf(path) === -1) return target.startsWith('node:')
          return storeyOf(resolve(dirname(path), target)) > storeyOf(path)
        })
        .filter(() => !path.endsWith('vite.config.ts'))
        .map(target => `${relative(ROOT, path)} imports ${target}`)
    })
    expect(wrong).toEqual([])
    const names = readdirSync(join(SRC, 'protocols'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name)
    const named = sources(web).filter(path =>
      names.some(name => new RegExp(`['"\`]${name}['"\`]`).test(code(readFileSync(path, 'utf8')))),
    )
    expect(named).toEqual([])
  })

  it('documents every reason code', () => {
    const docs = readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8')
    expect(reasonCodes.filter(each => !docs.includes(`| \`${each}\` |`))).toEqual([])
  })
})
