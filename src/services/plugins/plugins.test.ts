// Modules of the operator's own: what they find and write, what refuses them, and that every way to fail hides the
// value and leaves the gateway alive.
import { Buffer } from 'node:buffer'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createMasking, type Masking, maskedBytes } from '#engines/masking'
import type { DataClass, PluginSettings } from '#model'
import { HotPlugins, openPlugins, type Plugins } from './index.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const EXAMPLE = join(ROOT, 'docs/guides/acme-masker.ts')

let folder: string
let count = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-plugins-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const open: { close(): void }[] = []
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

const failures: string[] = []
const warnings: object[] = []
const events = {
  log: { warn: (fields: object) => void warnings.push(fields) },
  now: () => Date.now(),
  failed: (_: string, why: string) => void failures.push(why),
}

function module(text: string): string {
  const file = join(folder, `module-${count++}.ts`)
  writeFileSync(file, text)
  return file
}

const settings = (file: string, more: Partial<PluginSettings> = {}): PluginSettings => ({
  file,
  sha256: String(count),
  callMs: 300,
  answerMs: 3_000,
  memoryMiB: 32,
  ...more,
})

async function opened(text: string, more: Partial<PluginSettings> = {}): Promise<Plugins> {
  const plugins = await openPlugins([settings(module(text), more)], events)
  open.push(plugins)
  failures.length = 0
  return plugins
}

function maskingOf({ detectors, maskers }: Plugins, classes: readonly DataClass[]): Masking {
  return createMasking({ classes, tokenKey: new Uint8Array(32), detectors, maskers })
}

const found: DataClass = { name: 'own', columns: [], detect: 'own', mask: 'partial' }
const shown: DataClass = { name: 'own', columns: [], mask: { plugin: 'own' } }

function masked(masking: Masking, value: string): string {
  const src = Buffer.from(value)
  const out = Buffer.alloc(maskedBytes(src.length))
  return out.toString('utf8', 0, masking.masker('own')(src, 0, src.length, out, 0))
}

const detector = (body: string, more = '') =>
  `export const plugin = { detectors: { own: { ${more} detect(text: string) { ${body} } } } }`
const masker = (body: string) =>
  `export const plugin = { maskers: { own: { mask(value: string) { ${body} } } } }`

describe('the module of docs/guides/plugins.md', () => {
  it('is the one that is tried here', () => {
    const page = readFileSync(join(ROOT, 'docs/guides/plugins.md'), 'utf8')
    expect(page).toContain(`\`\`\`ts\n${readFileSync(EXAMPLE, 'utf8')}\`\`\``)
  })

  it('finds and masks what it says', async () => {
    const plugins = await openPlugins([settings(EXAMPLE)], events)
    open.push(plugins)
    const masking = maskingOf(plugins, [
      { name: 'parcel', columns: [], detect: 'acme-parcel', mask: 'redact' },
      { name: 'own', columns: [], mask: { plugin: 'acme-initials' } },
    ])
    expect(masking.scrub('«ACME2024-00007» and ACME2024-00008', ['parcel'])).toBe(
      '«⟦m:parcel⟧» and ACME2024-00008',
    )
    expect(masked(masking, 'Ada Lovelace')).toBe('A. L.')
  })
})

describe('a plugin', () => {
  it('is asked only about cells that hold a hint', async () => {
    const plugins = await opened(detector('return [{ start: 0, end: 1 }]', "hints: ['XY'],"))
    const masking = maskingOf(plugins, [found])
    expect(masking.scrub('aXb', ['own'])).toBe('aXb')
    expect(masking.scrub('aXYb', ['own'])).toBe('⟦m:own⟧XYb')
  })

  it('tells places in text of any script', async () => {
    const plugins = await opened(
      detector("const at = text.indexOf('é'); return at < 0 ? [] : [{ start: at, end: at + 2 }]"),
    )
    const masking = maskingOf(plugins, [{ ...found, mask: 'redact' }])
    expect(masking.scrub('字🔑éab', ['own'])).toBe('字🔑⟦m:own⟧b')
    expect(masking.scrub('字é7x', ['own'])).toBe('字⟦m:own⟧x')
    expect(masking.scrub('plain', ['own'])).toBe('plain')
  })

  it('works beside other detectors, in order', async () => {
    const plugins = await opened(
      detector(
        'return [...text.matchAll(/own/g)].map(m => ({ start: m.index, end: m.index + 3 }))',
      ),
    )
    const masking = maskingOf(plugins, [
      { ...found, mask: 'redact' },
      { name: 'email', columns: [], detect: 'email', mask: 'redact' },
    ])
    const text = Array.from({ length: 50 }, (_, i) => `own a${i}@b.cc`).join(' ')
    expect(masking.scrub(text, ['own', 'email'])).toBe(
      Array.from({ length: 50 }, () => '⟦m:own⟧ ⟦m:email⟧').join(' '),
    )
  })

  it('has no environment, and what it prints goes nowhere', async () => {
    process.env['SALLYPORT_PLUGIN_TEST'] = 'secret'
    const plugins = await opened(
      masker("console.log(value); return 'env' + String(process.env.SALLYPORT_PLUGIN_TEST)"),
    )
    expect(masked(maskingOf(plugins, [shown]), 'value')).toBe('envundefined')
    delete process.env['SALLYPORT_PLUGIN_TEST']
  })
})

describe('a plugin that fails', () => {
  it.each<[string, string, string]>([
    ['throws', masker("throw new Error('no')"), 'failed'],
    ['writes no text', masker('return 7'), 'failed'],
    ['writes too much', masker("return value + 'x'.repeat(49)"), 'failed'],
    ['writes a NUL', masker("return '\\0'"), 'failed'],
    ['does not end', masker('for (;;);'), 'late'],
  ])('by a masker that %s has its value redacted', async (_, text, why) => {
    const masking = maskingOf(await opened(text), [shown])
    expect(masked(masking, 'secret')).toBe('⟦m:own⟧')
    expect(failures).toEqual([why])
  })

  it.each<[string, string, string]>([
    ['throws', detector("if (text.includes('secret')) throw new Error('no'); return []"), 'failed'],
    ['tells places outside', detector('return [{ start: 0, end: 99 }]'), 'failed'],
    ['tells places backwards', detector('return [{ start: 3, end: 1 }]'), 'failed'],
    ['tells no places', detector('return 7 as never'), 'failed'],
    ['does not end', detector('for (;;);'), 'late'],
    [
      'eats memory',
      detector('const all = []; for (;;) all.push(new Array(100000).fill(text))'),
      'late',
    ],
  ])(
    'by a detector that %s has the whole cell redacted, though its class shows a part',
    async (_, text, why) => {
      const masking = maskingOf(await opened(text, { callMs: 1_000 }), [found])
      expect(masking.scrub('a long secret 12345678', ['own'])).toBe('⟦m:own⟧')
      expect(failures).toEqual([why])
    },
  )

  it('is started again, and redacts until then', async () => {
    const masking = maskingOf(
      await opened(masker("if (value === 'hang') for (;;); return 'fine'")),
      [shown],
    )
    expect(masked(masking, 'a')).toBe('fine')
    expect(masked(masking, 'hang')).toBe('⟦m:own⟧')
    expect(masked(masking, 'a')).toBe('⟦m:own⟧')
    await expect.poll(() => masked(masking, 'a')).toBe('fine')
    expect(failures.slice(0, 2)).toEqual(['late', 'restarting'])
    expect(JSON.stringify(warnings)).not.toContain('hang')
  })

  it('stays away when its module is another by then', async () => {
    const text = masker("if (value === 'hang') for (;;); return 'fine'")
    const file = module(text)
    const plugins = await openPlugins([settings(file)], events)
    open.push(plugins)
    const masking = maskingOf(plugins, [shown])
    writeFileSync(file, text.replace('own:', "another: { mask: () => 'wrong' }, own:"))
    expect(masked(masking, 'hang')).toBe('⟦m:own⟧')
    await expect.poll(() => JSON.stringify(warnings)).toContain('changed')
    expect(masked(masking, 'a')).toBe('⟦m:own⟧')
  })

  it('has a budget for each answer, and the next one begins anew', async () => {
    const plugins = await opened(
      masker('const end = Date.now() + 40; while (Date.now() < end); return value'),
      {
        callMs: 150,
        answerMs: 250,
      },
    )
    const masking = maskingOf(plugins, [shown])
    const first = masking.masker('own')
    const src = Buffer.from('value')
    const out = Buffer.alloc(128)
    const results = Array.from({ length: 6 }, () =>
      out.toString('utf8', 0, first(src, 0, 5, out, 0)),
    )
    expect(results.slice(0, 2)).toEqual(['value', 'value'])
    expect(results.slice(4)).toEqual(['⟦m:own⟧', '⟦m:own⟧'])
    expect(masked(masking, 'value')).toBe('value')
    expect(failures).toContain('budget')
  })

  it('is not asked about what is too long for it', async () => {
    const masking = maskingOf(await opened(detector('return []')), [found])
    expect(masking.scrub('x'.repeat((1 << 20) + 1), ['own'])).toBe('⟦m:own⟧')
    expect(failures).toEqual(['large'])
  })

  it('sees nothing in bytes that are no text, so all of them are hidden', async () => {
    const masking = maskingOf(await opened(detector('return []')), [found])
    const src = Buffer.from([0x61, 0xff, 0x62])
    const out = Buffer.alloc(128)
    const written = masking.scanner(['own'])!(src, 0, 3, out, 0)
    expect(out.toString('utf8', 0, written)).toBe('⟦m:own⟧')
  })
})

describe('a module that does not hold', () => {
  it.each([
    ['export const other = {}', 'it exports no object named "plugin"'],
    [
      'export const plugin = { detectors: { own: {} } }',
      'the detector "own" has no function detect',
    ],
    ['export const plugin = { maskers: { Own: { mask: String } } }', 'a masker is named "Own"'],
    [detector('return []', "match: ['x'],"), 'the detector "own" finds nothing in match[0]'],
    [
      detector('return [{start:0,end:1}]', "mustNotMatch: ['x'],"),
      'finds something in mustNotMatch[0]',
    ],
    [detector('return []', "hints: ['x'],"), 'a hint of "own" is not of two to 64'],
    ['export const plugin = { masker: {} }', 'it has a "masker": detectors, maskers is all there'],
    [detector('return []', 'hint: [],'), 'the detector "own" has a "hint"'],
    [
      'export const plugin = { maskers: { own: { mask: String, with: 1 } } }',
      'the masker "own" has a "with"',
    ],
    [
      'export const plugin = { maskers: { own: { mask: async (x: string) => x } } }',
      'the masker "own" is async',
    ],
    [
      'export const plugin = { detectors: { own: { detect: async () => [] } } }',
      'the detector "own" is async',
    ],
    ['this is no module', ''],
    ['export const plugin = {\n  maskers: { own: { mask: text = > text } },\n}', 'line 2'],
    ["throw new Error('not today')", 'not today'],
    ["import 'nowhere'", 'nowhere'],
  ])('%s is refused', async (text, reason) => {
    await expect(openPlugins([settings(module(text))], events)).rejects.toThrow(
      new RegExp(`The plugin .*module-\\d+\\.ts is refused: .*${reason.replace(/[[\]]/g, '\\$&')}`),
    )
  })

  it('is not put in place of one that does', async () => {
    const file = module(masker("return 'one'"))
    const hot = await HotPlugins.open([settings(file)], events)
    open.push(hot)
    const next = (text: string) => {
      writeFileSync(file, text)
      const changed = [settings(file, { sha256: text })]
      return new Promise(done => {
        const there = hot.ready(changed, refused => done(refused ?? hot.ready(changed, done)))
        if (there !== undefined) done(there)
      })
    }
    const value = () => masked(maskingOf(hot.current, [shown]), 'x')
    expect(value()).toBe('one')
    expect(String(await next('nonsense('))).toMatch(/is refused/)
    expect(value()).toBe('one')
    hot.take((await next(masker("return 'two'"))) as Plugins)
    await expect.poll(value).toBe('two')
  })
})
