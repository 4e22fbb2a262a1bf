// Holds what is written to what is built: links resolve, every block of YAML or Cedar loads, and the tables of the
// reference pages list exactly what the code knows. Runs no shell: the blocks of commands were pasted by people.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { createProgram } from '#cli'
import { parseConfig, patternEngine } from '#config'
import { detectorRules } from '#engines/masking'
import { checkPolicies, type PolicyCase, runPolicyCases, schemaText } from '#engines/policy'
import { reasonCodes } from '#model'
import { protocols } from '#protocols'
import { readCases } from '../src/cli/policy-cases.ts'
import { configSchema } from '../src/config/schema.ts'
import { knownAnnotations } from '../src/engines/policy/annotations.ts'
import { credentialPlugins } from '../src/protocols/credential-plugins.ts'

const ROOT = resolve(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

function markdown(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return []
    if (entry.isDirectory()) return markdown(path)
    return entry.name.endsWith('.md') ? [relative(ROOT, path)] : []
  })
}

const pages = markdown(ROOT)

interface Block {
  readonly page: string
  readonly language: string
  readonly text: string
  /** Put behind what a file has already: what it lacks by itself may stand there. */
  readonly added?: boolean
}

/** Fenced blocks, and the files that blocks of shell write with `cat > NAME <<'END'`. */
function blocks(page: string): Block[] {
  const fenced = [...read(page).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', text = '']) => ({ page, language, text }),
  )
  const written = fenced
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => [...text.matchAll(/^cat (>>?) \S+\.(\w+) <<'(\w+)'\n([\s\S]*?)^\3$/gm)])
    .map(([, how, language = '', , text = '']) => ({ page, language, text, added: how === '>>' }))
  return [...fenced, ...written]
}

const all = pages.flatMap(blocks)
const yaml = all
  .filter(({ language }) => language === 'yaml')
  .map(block => ({ ...block, value: parse(block.text) as unknown }))
const cedar = all.filter(({ language }) => language === 'cedar')

/** The cells of a page's table rows; code marks stay. */
function rows(page: string): string[][] {
  return read(page)
    .split('\n')
    .filter(line => line.startsWith('| '))
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    )
}

const quoted = (cell: string): string[] =>
  [...cell.matchAll(/`([^`]*)`/g)].map(found => found[1] ?? '')

describe('the documents', () => {
  it('have links that resolve', () => {
    const broken = pages.flatMap(page =>
      [
        ...read(page)
          .replace(/^```[\s\S]*?^```$/gm, '')
          .matchAll(/\]\(([^)\s]+)\)/g),
      ]
        .map(found => found[1] ?? '')
        .filter(link => !/^(https?:|mailto:|#)/.test(link))
        .filter(link => !existsSync(join(ROOT, dirname(page), link.replace(/#.*$/, ''))))
        .map(link => `${page}: ${link}`),
    )
    expect(broken).toEqual([])
  })

  it('show Cedar that checks', () => {
    const wrong = cedar.flatMap(({ page, text }) =>
      checkPolicies([{ name: page, text }])
        .problems.filter(({ severity }) => severity === 'error')
        .map(({ message, line }) => `${page}, line ${line} of its block: ${message}`),
    )
    expect(cedar.length).toBeGreaterThan(5)
    expect(wrong).toEqual([])
  })

  it('show configuration that loads', () => {
    const configurations = yaml.filter(({ value }) => !Array.isArray(value))
    const wrong = configurations.flatMap(({ page, text, added }) =>
      parseConfig(
        join(ROOT, page),
        text,
        protocols,
        detectorRules(() => patternEngine),
      )
        // The files that pages speak of are their readers'.
        .problems.filter(({ message }) => !message.endsWith('cannot be read (ENOENT)'))
        .filter(({ severity }) => added !== true || severity === 'error')
        .map(({ line, path, message }) => `${page}, line ${line} of its block: ${path} ${message}`),
    )
    expect(configurations.length).toBeGreaterThan(1)
    expect(wrong).toEqual([])
  })

  it('show policy cases that pass against the policies of the same page', async () => {
    const listed = yaml.filter(({ value }) => Array.isArray(value))
    expect(listed.length).toBeGreaterThan(0)
    for (const { page, value } of listed) {
      const texts = cedar.filter(block => block.page === page)
      const { set } = checkPolicies(texts.map(({ text }, at) => ({ name: `${at}`, text })))
      if (set === undefined) throw new Error(`the policies of ${page} do not check together`)
      const cases = await casesOf(value)
      expect(runPolicyCases(set, cases).flatMap(({ differences }) => differences)).toEqual([])
    }
  })
})

/** A default as its cell has it; of several, all. */
function defaultOf(cell: string): string | undefined {
  const [first] = quoted(cell)
  return first === undefined ? undefined : / or /.test(cell) ? quoted(cell).join(' or ') : first
}

/** As `policy test` reads them from a file. */
async function casesOf(value: unknown): Promise<readonly PolicyCase[]> {
  const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs')
  const { tmpdir } = await import('node:os')
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-documents-'))
  try {
    writeFileSync(join(folder, 'page.test.yaml'), JSON.stringify(value))
    return await readCases(join(folder, 'page.test.yaml'), protocols, undefined)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('docs/configuration.md', () => {
  const page = 'docs/configuration.md'
  const table = new Map(
    rows(page)
      .filter(cells => cells.length === 5)
      .map(([key = '', , standard = '']) => [quoted(key)[0] ?? '', defaultOf(standard)] as const)
      .filter(([key]) => key !== ''),
  )
  const keys = settings()

  it('lists every key, and no other', () => {
    expect([...table.keys()].sort()).toEqual([...keys.keys()].sort())
  })

  it('has the defaults of the schema', () => {
    const written = [...keys].filter(([, standard]) => standard !== undefined)
    expect(written.map(([key]) => [key, table.get(key)])).toEqual(written)
  })

  it('lists every command with its options', async () => {
    const text = read(page)
    const usual = ['--json', '--gateway', '--ca']
    const missing = commandsOf(createProgram(async () => protocols, credentialPlugins)).flatMap(
      ({ name, options }) => {
        const row = text.split('\n').find(line => new RegExp(`^\\| \`${name}[ \`]`).test(line))
        if (row === undefined) return [name]
        return options
          .filter(option => !usual.includes(option) && !row.includes(option))
          .map(option => `${name} ${option}`)
      },
    )
    expect(missing).toEqual([])
  })

  it('lists every environment variable that is read', () => {
    const names = [...read('src/config/environment.ts').matchAll(/environment\('(\w+)'\)/g)].map(
      found => found[1],
    )
    expect(names.length).toBeGreaterThan(3)
    expect(names.filter(name => !read(page).includes(`| \`${name}\` |`))).toEqual([])
  })
})

interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>
  readonly additionalProperties?: Shape | boolean
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
  readonly oneOf?: readonly Shape[]
  readonly default?: unknown
}

/** Every key that can be written, with its default as the page writes it. */
function settings(): ReadonlyMap<string, string | undefined> {
  const found = new Map<string, string | undefined>()
  const shapeOf = (schema: z.ZodType): Shape =>
    z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape
  const walk = (shape: Shape, path: string): void => {
    const inner = Object.entries(shape.properties ?? {})
    for (const [key, value] of inner) walk(value, path === '' ? key : `${path}.${key}`)
    const { additionalProperties: more } = shape
    const open = typeof more === 'object' && Object.keys(more).length > 0 ? more : undefined
    if (open !== undefined) walk(open, `${path}.${path.endsWith('tags') ? 'KEY' : 'NAME'}`)
    for (const each of [shape.items, ...(shape.items?.anyOf ?? shape.items?.oneOf ?? [])])
      if (each?.properties !== undefined) walk(each, `${path}[]`)
    const branches = (shape.anyOf ?? []).filter(each => each.properties !== undefined)
    for (const each of branches) walk(each, path)
    const leaf = inner.length === 0 && open === undefined && shape.items?.properties === undefined
    if (leaf && path !== '') {
      const { default: value } = shape
      const text = typeof value === 'string' && value !== '' ? value : JSON.stringify(value)
      const known = found.get(path)
      const said = value === undefined ? undefined : text
      // Two protocols, two defaults: both are named.
      found.set(path, known === undefined || known === said ? said : `${known} or ${said}`)
    }
  }
  walk(shapeOf(configSchema), '')
  for (const { settings: upstream, secretFields, ownFields = [], ...more } of protocols) {
    walk(shapeOf(upstream), 'resources[].upstream')
    for (const field of ['user', ...secretFields, ...ownFields])
      found.set(`resources[].credential.${field}`, undefined)
    for (const [field, schema] of Object.entries(more.credentialMaps ?? {}))
      walk(shapeOf(schema), `resources[].credential.${field}`)
  }
  // Open in the schema; what may stand in them is the protocol's, and was added above.
  for (const key of ['resources[].upstream', 'resources[].credential']) found.delete(key)
  return found
}

interface Commands {
  readonly commands: readonly Commands[]
  readonly options: readonly { readonly long?: string | null | undefined }[]
  name(): string
}

function commandsOf(program: Commands, prefix = ''): { name: string; options: string[] }[] {
  return program.commands.flatMap(command => {
    const name = `${prefix}${command.name()}`
    if (command.commands.length > 0) return commandsOf(command, `${name} `)
    return [{ name, options: command.options.flatMap(({ long }) => long ?? []) }]
  })
}

describe('docs/guides/policies.md', () => {
  const page = 'docs/guides/policies.md'
  const fields = rows(page).filter(cells => cells.length === 4)

  it('lists the fields of the context with their types, and no other', () => {
    const types = [...schemaText().matchAll(/^type (\w+) = \{\n([\s\S]*?)^\};$/gm)]
    const known = new Set(
      types.flatMap(([, , body = '']) =>
        [...body.matchAll(/^ {2}(\w+)(\??): (.*),$/gm)].map(
          ([, name, missing, type]) => `${name} ${type}${missing}`,
        ),
      ),
    )
    expect(types.map(found => found[1])).toEqual(['Facts', 'Statement', 'Reveal'])
    const listed = fields.map(cells => cells.slice(0, 2).flatMap(quoted).join(' '))
    expect(listed.filter(text => text !== '').sort()).toEqual([...known].sort())
  })

  it('lists the actions and the annotations', () => {
    const actions = [...schemaText().matchAll(/^action "?([\w:]+)"? /gm)].map(found => found[1])
    const first = rows(page).map(([cell = '']) => cell)
    expect(actions.filter(name => !first.includes(`\`${name}\``))).toEqual([])
    const text = first.join('\n')
    expect([...knownAnnotations].filter(name => !text.includes(`@${name}(`))).toEqual([])
  })
})

describe('docs/guides/agents.md', () => {
  it('names reason codes that exist, each once', () => {
    const listed = rows('docs/guides/agents.md')
      .map(([cell = '']) => cell)
      .filter(cell => /^`[a-z_]+`( `[a-z_]+`)*$/.test(cell))
      .flatMap(quoted)
    expect(listed.length).toBeGreaterThan(20)
    expect(listed.filter(code => !(reasonCodes as readonly string[]).includes(code))).toEqual([])
    expect(new Set(listed).size).toBe(listed.length)
  })
})
