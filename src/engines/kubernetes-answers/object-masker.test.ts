import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { type BodyMasker, BodyProblem, createBodyMasker } from '#engines/bodies'
import { leastCpuMs } from '../../../test/cpu.ts'
import { fc } from '../../../test/property.ts'
import { createObjectMasker } from './object-masker.ts'
import {
  asked,
  bodyRules,
  everyCut,
  hiddenAs,
  MASK,
  MASK_64,
  rulesOf,
  SETTING,
  through,
} from './rules.testing.ts'

const b64 = (text: string): string => Buffer.from(text).toString('base64')
const CANARY = b64('hunter2-hunter2')
const meta = { name: 'db', namespace: 'default', resourceVersion: '7' }
const secret = {
  kind: 'Secret',
  apiVersion: 'v1',
  metadata: meta,
  data: { password: CANARY },
  type: 'Opaque',
}
const json = (value: unknown): string => JSON.stringify(value)
const masked = (what: (typeof asked)[keyof typeof asked], value: unknown): unknown =>
  JSON.parse(everyCut(what, json(value)))

describe('a Secret', () => {
  it('keeps its names and loses its values, which clients can still decode', () => {
    expect(masked(asked.secret, secret)).toEqual({ ...secret, data: { password: MASK_64 } })
  })

  it('does not tell how long a value was, nor that it was empty', () => {
    const data = { a: '', b: b64('x'.repeat(999)) }
    expect(masked(asked.secret, { ...secret, data })).toMatchObject({
      data: { a: MASK_64, b: MASK_64 },
    })
  })

  it('is one when it says so only behind its data', () => {
    const { kind, apiVersion, metadata, data } = secret
    expect(masked(asked.pods, { data, metadata, apiVersion, kind })).toMatchObject({
      data: { password: MASK_64 },
    })
  })

  it('is one when Secrets were asked for, whatever it says it is', () => {
    for (const kind of ['Pod', 'secret', undefined])
      expect(masked(asked.secret, { ...secret, kind })).toMatchObject({
        data: { password: MASK_64 },
      })
  })

  it('is one when it says twice what it is', () => {
    for (const kinds of ['"kind":"Secret","kind":"Pod"', '"kind":"Pod","kind":"Secret"'])
      expect(everyCut(asked.pods, `{${kinds},"data":{"p":"${CANARY}"}}`)).not.toContain(CANARY)
  })

  it('is one however its words are escaped', () => {
    const text = `{"\\u006bind":"\\u0053ecret","d\\u0061ta":{"p":"${CANARY}"}}`
    expect(everyCut(asked.pods, text)).toBe(text.replace(CANARY, MASK_64))
    const written = `{"kind":"Secr\\u0065t","data":{"p":"${CANARY}"}}`
    expect(everyCut(asked.pods, written)).not.toContain(CANARY)
  })

  it('hides texts in stringData as texts, and what is no text as nothing', () => {
    const stringData = { a: 'plain', b: 7, c: { d: 'deep' }, e: null, f: ['x'] }
    expect(masked(asked.secret, { ...secret, data: ['odd'], stringData })).toMatchObject({
      data: null,
      stringData: { a: MASK, b: null, c: null, e: null, f: null },
    })
  })

  it('keeps every other byte as it was written', () => {
    const text = ` {"kind" :"Secret" ,\n"data":{ "p" : "${CANARY}" } , "type":"\\u004fpaque", "n":1.50e+2}\n`
    expect(everyCut(asked.secret, text)).toBe(text.replace(CANARY, MASK_64))
  })

  it('is shown whole to whom it is revealed, and by key', () => {
    const all = rulesOf(() => true)
    expect(through(asked.secret, [json(secret)], all)).toBe(json(secret))
    const one = rulesOf(
      (column, told) =>
        told && column.object === 'secrets/default/db' && column.column === 'tls.crt',
    )
    const data = { 'tls.crt': b64('public'), 'tls.key': CANARY }
    expect(JSON.parse(through(asked.secret, [json({ ...secret, data })], one))).toMatchObject({
      data: { 'tls.crt': b64('public'), 'tls.key': MASK_64 },
    })
  })

  it('is nobody’s in particular when it says twice what it is called', () => {
    const rules = rulesOf((_, told) => told)
    const text = `{"kind":"Secret","metadata":{"namespace":"a","name":"x","name":"y"},"data":{"p":"${CANARY}"}}`
    expect(through(asked.secret, [text], rules)).not.toContain(CANARY)
  })

  it('is nobody’s in particular when its name is no name, but a mask', () => {
    const rules = rulesOf((_, told) => told)
    for (const namespace of ['⟦m:person⟧', 'A', '', 'a/b'])
      expect(
        through(asked.secret, [json({ ...secret, metadata: { ...meta, namespace } })], rules),
      ).not.toContain(CANARY)
  })

  it('has the mask of its class, made of the value and not of its base64', () => {
    const tokens = JSON.parse(
      through(
        asked.secret,
        [json(secret)],
        rulesOf(() => false, 'joined'),
      ),
    )
    const token = Buffer.from(tokens.data.password, 'base64').toString()
    const plain = Buffer.from('hunter2-hunter2')
    const out = Buffer.alloc(256)
    const { write } = hiddenAs('joined') as { write: (...a: unknown[]) => number }
    expect(token).toBe(out.toString('utf8', 0, write(plain, 0, plain.length, out, 0)))
    const nulls = JSON.parse(
      through(
        asked.secret,
        [json(secret)],
        rulesOf(() => false, 'gone'),
      ),
    )
    expect(nulls.data).toEqual({ password: null })
  })
})

describe('what else is hidden in bodies', () => {
  const detectors = (): BodyMasker =>
    createBodyMasker(bodyRules, { contentType: 'application/json' })
  const all = (value: unknown, rules = rulesOf()): { data: Record<string, string> } => {
    const masker = createObjectMasker(rules, { asked: asked.secret, rest: detectors() })
    const out = [...masker.write(Buffer.from(json(value))), ...masker.end()]
    return JSON.parse(Buffer.concat(out).toString())
  }
  const odd = {
    ...secret,
    note: 'ann@example.com',
    data: { password: CANARY, mail: 'ann@example.com' },
  }

  it('is hidden as well', () => {
    expect(all(odd)).toMatchObject({ note: '⟦m:mail⟧', data: { password: MASK_64, mail: MASK_64 } })
  })

  it('can still be decoded where it stands in base64', () => {
    const { data } = all(
      odd,
      rulesOf(() => true),
    )
    expect(data).toEqual({ password: CANARY, mail: b64('⟦m:mail⟧') })
  })
})

describe('Secrets in other things', () => {
  const bare = { metadata: meta, data: { password: CANARY } }

  it('are hidden in lists, which give their items no kind', () => {
    const list = {
      kind: 'SecretList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '9' },
      items: [bare, bare],
    }
    const hidden = { ...bare, data: { password: MASK_64 } }
    expect(masked(asked.secrets, list)).toEqual({ ...list, items: [hidden, hidden] })
  })

  it('are hidden in a list that says only at its end what it is of', () => {
    const list = `{"apiVersion":"v1","items":[${json(bare)}],"kind":"SecretList"}`
    expect(everyCut(asked.secrets, list)).not.toContain(CANARY)
    expect(everyCut(asked.widgets, list)).not.toContain(CANARY)
    // Nobody who asks for pods gets that; the end of the answer does not come.
    expect(() => through(asked.pods, [list])).toThrow(BodyProblem)
  })

  it('are hidden in a list of anything', () => {
    const list = {
      kind: 'List',
      apiVersion: 'v1',
      items: [{ kind: 'Pod' }, secret, { ...bare, kind: 'Secret' }],
    }
    expect(json(masked(asked.pods, list))).not.toContain(CANARY)
  })

  it('are hidden in a list that a list holds', () => {
    const list = { kind: 'List', items: [{ items: [bare], kind: 'SecretList' }] }
    expect(json(masked(asked.pods, list))).not.toContain(CANARY)
  })

  it('are hidden in the events of a watch, each of which goes on at once', () => {
    const event = (type: string) => `${json({ type, object: secret })}\n`
    const masker = createObjectMasker(rulesOf(), { asked: asked.secrets, rest: undefined })
    for (const type of ['ADDED', 'MODIFIED', 'DELETED']) {
      const [first, ...more] = masker.write(Buffer.from(event(type).trimEnd()))
      expect(more).toEqual([])
      expect(JSON.parse(Buffer.from(first!).toString())).toEqual({
        type,
        object: { ...secret, data: { password: MASK_64 } },
      })
      masker.write(Buffer.from('\n'))
    }
    const events = event('ADDED') + event('MODIFIED')
    expect(everyCut(asked.secrets, events)).toBe(events.replaceAll(CANARY, MASK_64))
  })

  it('are hidden in an event whose object does not say what it is', () => {
    expect(json(masked(asked.secrets, { object: bare, type: 'ADDED' }))).not.toContain(CANARY)
  })

  it('are hidden in the rows of a table, whole ones too, and in a watch of tables', () => {
    const row = { cells: ['db', 'Opaque', 1, '5d'], object: secret }
    const table = {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [],
      rows: [row, { ...row, object: bare }],
    }
    const out = masked(asked.secrets, table)
    expect(json(out)).not.toContain(CANARY)
    expect(out).toMatchObject({
      rows: [{ cells: row.cells, object: { data: { password: MASK_64 } } }, {}],
    })
    expect(json(masked(asked.secrets, { type: 'ADDED', object: table }))).not.toContain(CANARY)
  })

  it('are hidden deep within objects of other kinds, by nobody’s name', () => {
    const rules = rulesOf((_, told) => told)
    const widget = {
      kind: 'Widget',
      apiVersion: 'example.com/v1',
      metadata: meta,
      spec: { objects: [secret] },
    }
    for (const what of [asked.widgets, asked.pods])
      expect(through(what, [json({ kind: 'WidgetList', items: [widget] })], rules)).not.toContain(
        CANARY,
      )
  })

  it('are suspected in what nobody knows and says not what it is', () => {
    expect(json(masked(asked.widgets, bare))).not.toContain(CANARY)
    expect(json(masked(asked.widgets, { items: [bare] }))).not.toContain(CANARY)
    const own = { kind: 'Widget', ...bare }
    expect(masked(asked.widgets, { kind: 'WidgetList', items: [own] })).toEqual({
      kind: 'WidgetList',
      items: [own],
    })
  })

  it('are hidden in a list that has data of its own, which is held whole', () => {
    const text = `{"data":{"p":"${CANARY}"},"items":[1,2],"kind":"Secret"}`
    expect(everyCut(asked.pods, text)).toBe(text.replace(CANARY, MASK_64))
    const behind = `{"items":[1,2],"data":{"p":"${CANARY}"},"kind":"Secret"}`
    expect(() => through(asked.pods, [behind])).toThrow(BodyProblem)
  })
})

describe('annotations', () => {
  const LAST = 'kubectl.kubernetes.io/last-applied-configuration'
  const applied = json({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: meta,
    stringData: { password: 'hunter2' },
    data: { b: CANARY },
  })
  const noted = (annotations: Record<string, string>) => ({
    ...secret,
    metadata: { ...meta, annotations },
  })
  const annotationsOf = (value: unknown): Record<string, string> =>
    (
      masked(asked.secret, value) as typeof secret & {
        metadata: { annotations: Record<string, string> }
      }
    ).metadata.annotations

  it('keep what was applied, with its values masked, so that clients can still compare', () => {
    const { [LAST]: text } = annotationsOf(noted({ [LAST]: applied }))
    expect(JSON.parse(text!)).toMatchObject({
      stringData: { password: MASK },
      data: { b: MASK_64 },
    })
  })

  it('are read without the object, as a table’s rows have them', () => {
    const object = {
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: noted({ [LAST]: applied }).metadata,
    }
    const table = { kind: 'Table', rows: [{ cells: ['db'], object }] }
    expect(json(masked(asked.secrets, table))).not.toMatch(/hunter2|aHVudGVy/)
    const list = { kind: 'PartialObjectMetadataList', items: [{ metadata: object.metadata }] }
    expect(json(masked(asked.secrets, list))).not.toMatch(/hunter2|aHVudGVy/)
  })

  it('are hidden whole when they cannot be read, are long, or are encoded', () => {
    for (const text of [
      '{"data":',
      `[${'['.repeat(600)}`,
      `H4sIA${'A'.repeat(60)}`,
      `a: b\npassword: c`,
      'x y '.repeat(80),
      json({ copied: 'x y '.repeat(80) }),
    ])
      expect(annotationsOf(noted({ a: text }))).toEqual({ a: MASK })
  })

  it('stay when they are short texts', () => {
    const annotations = {
      'cert-manager.io/common-name': 'a.example.com',
      options: '{"a":[1]}',
      checksum: 'ab01'.repeat(16),
      uid: '0b1c2d3e-4aaa-8bbb-0123-0123456789ab',
    }
    expect(annotationsOf(noted(annotations))).toEqual(annotations)
  })

  it('hide data at any depth, in texts within texts too', () => {
    const inner = json({ wrapped: json({ data: { p: CANARY } }), list: [{ data: { q: CANARY } }] })
    expect(json(annotationsOf(noted({ other: inner })))).not.toContain(CANARY)
  })

  it('belong to their own object, whatever name they write', () => {
    const rules = rulesOf((column, told) => told && column.object === 'secrets/default/public')
    const other = json({
      kind: 'Secret',
      metadata: { ...meta, name: 'public' },
      data: { p: CANARY },
    })
    expect(through(asked.secret, [json(noted({ [LAST]: other }))], rules)).not.toContain(CANARY)
  })

  it('of a ConfigMap hide the Secrets that they hold, as Secrets', () => {
    const rules = rulesOf((_, told) => told)
    const map = { kind: 'ConfigMap', metadata: { ...meta, annotations: { held: json(secret) } } }
    expect(through(asked.configMaps, [json(map)], rules)).not.toContain(CANARY)
    const bare = { metadata: map.metadata }
    expect(through(asked.configMaps, [json({ items: [bare] })])).not.toContain(CANARY)
  })

  it('of other objects hide the Secrets that they hold', () => {
    const pod = {
      kind: 'Pod',
      metadata: { annotations: { [LAST]: json({ kind: 'X', objects: [secret] }) } },
      note: json(secret),
    }
    const out = masked(asked.pods, { kind: 'PodList', items: [pod] })
    expect(json(out)).not.toContain(CANARY)
  })
})

describe('a ConfigMap', () => {
  const map = {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: meta,
    data: { 'db.password': 'hunter2', mode: 'fast' },
    binaryData: { PASSWORD: CANARY, b: CANARY },
  }

  it('loses the values of the keys that are hidden', () => {
    const hidden = {
      ...map,
      data: { 'db.password': SETTING, mode: 'fast' },
      binaryData: { PASSWORD: b64(SETTING), b: CANARY },
    }
    expect(masked(asked.configMaps, map)).toEqual(hidden)
    expect(masked(asked.configMaps, { type: 'ADDED', object: map })).toEqual({
      type: 'ADDED',
      object: hidden,
    })
    const { kind: _, ...bare } = map
    expect(json(masked(asked.configMaps, { kind: 'ConfigMapList', items: [bare] }))).not.toContain(
      'hunter2',
    )
  })

  it('loses them in what was applied', () => {
    const annotations = { last: json(map) }
    expect(
      json(masked(asked.configMaps, { ...map, metadata: { ...meta, annotations } })),
    ).not.toContain('hunter2')
  })

  it('is not looked into when no key is hidden', () => {
    const rules = { ...rulesOf(), configMaps: false }
    expect(through(asked.configMaps, [json(map)], rules)).toBe(json(map))
  })
})

describe('what is said of a failure', () => {
  const status = {
    kind: 'Status',
    status: 'Failure',
    reason: 'BadRequest',
    code: 400,
    message: `found in #10 of ...|"${CANARY}"|...`,
    details: { causes: [{ message: CANARY, field: 'data' }] },
  }
  const patch = { ...asked.secret, patches: true }

  it('is hidden when it may quote what a patch was merged with', () => {
    expect(everyCut(patch, json(status))).not.toContain(CANARY)
    expect(
      through(
        patch,
        [json(status)],
        rulesOf(() => true),
      ),
    ).toBe(json(status))
  })

  it('is hidden of other objects when it quotes one, and fields are hidden', () => {
    const rest = createBodyMasker(bodyRules, { contentType: 'application/json' })
    const pods = { ...asked.pods, patches: true }
    const said = (message: string): string => {
      const masker = createObjectMasker(rulesOf(), { asked: pods, rest })
      const text = json({ ...status, reason: 'Invalid', message, details: {} })
      return Buffer.concat([...masker.write(Buffer.from(text)), ...masker.end()]).toString()
    }
    expect(said('patch: Invalid value: "{\\"pin\\":\\"1\\"}"')).not.toContain('pin')
  })

  it('is hidden of what may hold Secrets, when it quotes anything', () => {
    const widgets = { ...asked.widgets, patches: true }
    const quoting = { ...status, reason: 'Invalid', message: `patch: "{${CANARY}"`, details: {} }
    expect(everyCut(widgets, json(quoting))).not.toContain(CANARY)
    const naming = json({ ...quoting, message: 'spec.size: Invalid value: 7' })
    expect(through(widgets, [naming])).toBe(naming)
  })

  it('stays when it names things only', () => {
    const found = json({
      ...status,
      reason: 'NotFound',
      message: 'secrets "db" not found',
      details: {},
    })
    expect(everyCut(patch, found)).toBe(found)
    expect(everyCut(asked.secret, json(status))).toBe(json(status))
  })
})

describe('what passes', () => {
  const pods = json({
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: {},
    items: Array.from({ length: 40 }, (_, i) => ({
      metadata: { name: `p${i}` },
      spec: { volumes: [{ secret: { secretName: 'Secret-s' } }], note: 'Secret: {x} "y" \\' },
    })),
  })

  it('goes on as the bytes that came, in as many pieces', () => {
    const chunk = Buffer.from(pods)
    const masker = createObjectMasker(rulesOf(), { asked: asked.pods, rest: undefined })
    const out = [...masker.write(chunk), ...masker.end()]
    expect(out.length).toBeLessThanOrEqual(2)
    expect(Buffer.concat(out).equals(chunk)).toBe(true)
    expect(out.at(-1)?.buffer).toBe(chunk.buffer)
  })

  it('is everything that is no object', () => {
    for (const text of [
      '',
      'null',
      ' 12 ',
      '"text"',
      '[]',
      '[1,{"a":[]}]',
      '{}',
      '{"items":[]}',
      '{"items":{}}',
      '{"items":[ ]}\n{"items":[[1],[2]]}',
    ])
      expect(everyCut(asked.pods, text)).toBe(text)
  })

  it('ends where the text is broken off, or ends before it begins', () => {
    for (const text of ['{"kind":"Pod"', '{"items":[{}', '"open', '}', '{"items":[1}'])
      expect(() => through(asked.pods, [text])).toThrow(BodyProblem)
    expect(() => through(asked.secret, ['{"kind":"Secret","data":{"a":"b",}}'])).toThrow(
      BodyProblem,
    )
  })

  it('is held one object at a time, and no longer one than is allowed', () => {
    const item = json({ metadata: { name: 'x'.repeat(80) } })
    const list = [`{"items":[${item}`, ...Array.from({ length: 100 }, () => `,${item}`), ']}']
    expect(through(asked.pods, list, rulesOf(), 200)).toBe(list.join(''))
    const long = json({ metadata: { name: 'x'.repeat(300) } })
    expect(() =>
      through(asked.pods, [long.slice(0, 250), long.slice(250)], rulesOf(), 200),
    ).toThrow(BodyProblem)
  })

  it('is counted by class where it does not pass', () => {
    const masker = createObjectMasker(rulesOf(), { asked: asked.secrets, rest: undefined })
    masker.write(Buffer.from(json({ kind: 'SecretList', items: [secret, secret] })))
    masker.end()
    expect([...masker.found]).toEqual([['kubernetes-secret', 2]])
  })
})

describe('whatever stands in an answer', () => {
  const word = fc.constantFrom(
    'kind',
    'data',
    'items',
    'object',
    'rows',
    'metadata',
    'annotations',
    'stringData',
    'apiVersion',
    'a"b',
    'name',
  )
  const leaf = fc.constantFrom<unknown>(
    'Secret',
    'v1',
    'List',
    'Table',
    'SecretList',
    'ConfigMap',
    'x\\"{',
    '',
    1,
    true,
    null,
  )
  const { value } = fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(word, tie('value'), { maxKeys: 4 }),
    ),
  }))
  const holder = fc
    .tuple(fc.dictionary(word, value, { maxKeys: 3 }), fc.boolean(), fc.boolean())
    .map(([more, first, text]) => {
      const { kind: _, data: __, ...rest } = more
      const data = { [text ? 'stringData' : 'data']: { k: CANARY } }
      return first ? { kind: 'Secret', ...rest, ...data } : { ...data, ...rest, kind: 'Secret' }
    })
  /** Puts it somewhere into the value, often within a text. */
  const somewhere = fc
    .tuple(
      value,
      holder,
      fc.array(fc.tuple(word, fc.constantFrom('member', 'list', 'text')), { maxLength: 3 }),
    )
    .map(([around, held, way]) => {
      let inner: unknown = held
      let texts = 0
      for (const [name, how] of way) {
        const asText = how === 'text' && texts < 2
        if (asText) texts++
        inner =
          how === 'list' ? [inner, around] : { [name]: asText ? json(inner) : inner, z: around }
      }
      return inner
    })

  it('no value of a Secret goes on, wherever it stands and however it is cut', () => {
    fc.assert(
      fc.property(
        somewhere,
        fc.constantFrom(asked.pods, asked.secrets, asked.widgets, asked.configMaps),
        fc.array(fc.nat(400), { maxLength: 4 }),
        (held, what, cuts) => {
          const bytes = Buffer.from(json(held))
          const places = [
            0,
            ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b),
            bytes.length,
          ]
          const pieces = places.slice(1).map((to, i) => bytes.subarray(places[i], to))
          let out: string
          try {
            out = through(what, pieces)
          } catch (error) {
            if (error instanceof BodyProblem) return
            throw error
          }
          expect(out).not.toContain(CANARY)
          JSON.parse(out)
        },
      ),
      { numRuns: 1500 },
    )
  })

  it('of a list of Secrets nothing but their values is another', () => {
    const names = fc.constantFrom('a', 'b\\"c', 'kind', 'items', 'name', 'object', 'tls.crt')
    const item = fc.tuple(
      fc.dictionary(names, leaf, { maxKeys: 3 }),
      fc.uniqueArray(names, { maxLength: 3 }),
      fc.boolean(),
    )
    fc.assert(
      fc.property(fc.array(item, { maxLength: 4 }), fc.nat(600), (items, at) => {
        const written = (value: string): string =>
          json({
            kind: 'SecretList',
            items: items.map(([labels, keys, first]) => {
              const data = { data: Object.fromEntries(keys.map(key => [key, value])) }
              const metadata = { metadata: { ...meta, labels } }
              return first ? { ...data, ...metadata } : { ...metadata, ...data }
            }),
          })
        const text = Buffer.from(written(CANARY))
        const cut = at % (text.length + 1)
        const pieces = [text.subarray(0, cut), text.subarray(cut)]
        expect(through(asked.secrets, pieces)).toBe(written(MASK_64))
      }),
      { numRuns: 500 },
    )
  })

  it('costs time that grows with it, however often a list seems to begin', () => {
    const cpu = (times: number): number => {
      const lists = '"items":[],'.repeat(times)
      const text = `{"data":{},"x":{"data":{"a":"b"}},"data":"",${lists}"kind":"Pod"}`
      return leastCpuMs(() => through(asked.pods, [text]))
    }
    expect(cpu(160_000)).toBeLessThan(60 * Math.max(cpu(8_000), 2))
  })

  it('what holds no Secret and is none stays as it is', () => {
    const plain = fc.dictionary(
      word.filter(each => !/ata$|kind|annotations/.test(each)),
      leaf,
      { maxKeys: 4 },
    )
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 5 }), fc.nat(300), (items, at) => {
        const text = json({
          kind: 'PodList',
          items: items.map(each => ({ kind: 'Pod', spec: each })),
        })
        const cut = at % (text.length + 1)
        expect(through(asked.pods, [text.slice(0, cut), text.slice(cut)])).toBe(text)
      }),
      { numRuns: 500 },
    )
  })
})
