import { describe, expect, it } from 'vitest'
import { InvalidRequest } from '#model'
import { fc } from '../../../test/property.ts'
import { readBody, readShownBody } from './body.ts'
import { bodyText } from './body-text.ts'
import { readRequest } from './statement.ts'
import { isList, isObject, type Tree, WrittenNumber, writeJson } from './tree.ts'

const JSON_TYPE = 'application/json'
const APPLY = 'application/apply-patch+yaml'

function read(text: string | Buffer, type: string | undefined = JSON_TYPE, verb = 'create') {
  return readBody(verb, type, Buffer.from(text))
}

/** What it says, as JSON.parse has it. */
function value(tree: Tree): unknown {
  return JSON.parse(writeJson(tree))
}

describe('a body in JSON', () => {
  it('is what JSON.parse says, and goes on as it came', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), object => {
        const text = JSON.stringify(object)
        if (/\\u(?:0000|d[89a-f])/i.test(text)) return
        const body = read(text)
        expect(value(body.tree)).toEqual(JSON.parse(text))
        expect(body.forward).toBeUndefined()
      }),
      { numRuns: 300 },
    )
  })

  it('keeps its numbers as they are written', () => {
    const tree = read('{"a":1e400,"b":12345678901234567890,"c":-0}').tree
    expect(writeJson(tree)).toBe('{"a": 1e400, "b": 12345678901234567890, "c": -0}')
  })

  it('is refused where two readers could read two things', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":1,"\\u0061":2}',
      '\ufeff{}',
      '{"a":"\\u0000"}',
      '{"a":"\\ud800"}',
      '{} {}',
      '[]',
      '"x"',
      'null',
      '{"a":1,}',
      `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`,
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    ])
      expect(() => read(text), String(text).slice(0, 20)).toThrow(InvalidRequest)
  })

  it('is the type that is served, or none', () => {
    for (const type of [
      undefined,
      JSON_TYPE,
      'application/json; charset=utf-8',
      'Application/JSON',
    ])
      expect(read('{}', type).sort).toBe('object')
    for (const type of [
      'application/vnd.kubernetes.protobuf;stream=watch',
      'application/cbor',
      'application/json; charset=utf-16',
      'application/json; stream=watch',
      'text/plain',
      'application/json, application/json',
      '',
    ])
      expect(() => readBody('create', type, Buffer.from('{}')), type).toThrowError(
        expect.objectContaining({ code: 'message_unsupported' }),
      )
    expect(() => read('{}', JSON_TYPE, 'patch')).toThrow('not served')
    expect(() => read('{}', 'application/merge-patch+json')).toThrow('not served')
  })

  it('goes on as JSON where it is protobuf', () => {
    const said = (number: number, ...parts: (string | Uint8Array)[]) => {
      const bytes = Buffer.concat(parts.map(part => Buffer.from(part)))
      return Buffer.from([number * 8 + 2, bytes.length, ...bytes])
    }
    const privileged = said(15, Buffer.from([2 * 8, 1]))
    const spec = said(2, said(2, said(1, 'c'), said(2, 'web:1'), privileged))
    const pod = [
      'k8s\0',
      said(1, said(1, 'v1'), said(2, 'Pod')),
      said(2, said(1, said(1, 'web')), spec),
    ]
    const bytes = Buffer.concat(pod.map(part => Buffer.from(part)))
    const { tree, forward } = read(bytes, 'application/vnd.kubernetes.protobuf')
    expect(value(tree)).toEqual(JSON.parse(String(forward?.bytes)))
    expect(value(tree)).toMatchObject({
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: { containers: [{ image: 'web:1', securityContext: { privileged: true } }] },
    })
    expect(forward?.type).toBe(JSON_TYPE)
    expect(() => read('k8s', 'application/vnd.kubernetes.protobuf')).toThrow(InvalidRequest)
  })

  it('is bounded as a text, too: what stands deep in it takes more room there', () => {
    const deep = (value: string) => `${'{"a":'.repeat(120)}${value}${'}'.repeat(120)}`
    const shown = (body: string) =>
      readRequest({
        method: 'POST',
        path: '/apis/example.com/v1/widgets',
        query: undefined,
        type: undefined,
        body: { kind: 'whole', bytes: Buffer.from(body) },
      }).statement.text.length
    expect(() => shown(deep(JSON.stringify('x\n'.repeat(900_000))))).toThrow('12 MiB')
    expect(() => shown(deep(`[${'"x",'.repeat(90_000)}"x"]`))).toThrow('12 MiB')
    expect(shown(`{"a":${JSON.stringify('x\n'.repeat(900_000))}}`)).toBeLessThan(4_000_000)
  })

  it('is bounded', () => {
    expect(() => read(`{"a":"${'x'.repeat(3 * 1024 * 1024)}"}`)).toThrow('3 MiB')
    // Each value is looked at for facts: as many as the length allows would hold up everybody for seconds.
    for (const value of ['{}', '[]', '1', '{"image":1}'])
      expect(() => read(`{"a":[${`${value},`.repeat(100_000)}1]}`), value).toThrow('100000 values')
  })
})

describe('a body in YAML', () => {
  it('goes on as the JSON of what was read', () => {
    const yaml =
      'apiVersion: v1 # a comment\nkind: "Pod"\nmetadata:\n  name: web\n  labels: {8080: "yes"}\nspec:\n- 1\n- 2.5\n- ~\n- true\n- |\n  two\n  lines\n'
    const { tree, forward } = read(yaml, 'application/yaml')
    expect(value(tree)).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', labels: { '8080': 'yes' } },
      spec: [1, 2.5, null, true, 'two\nlines\n'],
    })
    expect(forward?.type).toBe(JSON_TYPE)
    expect(JSON.parse(String(forward?.bytes))).toEqual(value(tree))
    expect(read('a: b', APPLY, 'patch').forward?.type).toBe(APPLY)
  })

  it('goes on as it came where it is JSON that YAML reads alike', () => {
    expect(read('{"kind":"Pod","a":[1,"é"]}', APPLY, 'patch').forward).toBeUndefined()
    for (const odd of [
      '{"a":"b\u2028c"}',
      '{"a":"b\\/c"}',
      '{\t"a":1}',
      '{"a":"\\ud83d\\ude00"}',
    ]) {
      const { tree, forward } = read(odd, APPLY, 'patch')
      expect(JSON.parse(String(forward?.bytes))).toEqual(value(tree))
      expect(String(forward?.bytes)).not.toMatch(/[\u2028\t]|\\\/|\\ud83d/)
    }
  })

  it('is refused where YAML 1.1 and 1.2 differ, and where it is more than a tree', () => {
    for (const text of [
      'privileged: yes',
      'privileged: On',
      'y: 1',
      'replicas: 010',
      'replicas: 0x10',
      'replicas: 1_000',
      'time: 1:30',
      'a: .inf',
      'a: 12345678901234567890',
      'a: &x 1\nb: *x',
      'a: &x 1',
      'a: !!str 1',
      'a: !x 1',
      '<<: {a: 1}',
      'a: 1\na: 2',
      'a: 1\n"a": 2',
      '? [a]\n: 1',
      'null: 1',
      'a: 1\n---\nb: 2',
      '%YAML 1.1\n---\na: 1',
      '%TAG ! tag:x,2000:\n---\na: 1',
      '\ufeffa: 1',
      'a: "\\u0000b',
      'a: b: c',
      '- a',
      'a',
      '',
      '{"<<": {"a": 1}}',
      '{"a": 1, "a": 2}',
      `a: ${'['.repeat(200)}${']'.repeat(200)}`,
      '['.repeat(100_000),
    ])
      expect(() => read(text, 'application/yaml'), text.slice(0, 20)).toThrow(InvalidRequest)
  })

  it('costs no more than its length', () => {
    const started = process.cpuUsage().user
    for (const unit of ['"', '- ', 'a: '])
      expect(() => read(unit.repeat(120_000 / unit.length), 'application/yaml')).toThrow(
        InvalidRequest,
      )
    expect((process.cpuUsage().user - started) / 1000).toBeLessThan(10_000)
    expect(() => read(`a: ${'x'.repeat(200_000)}`, 'application/yaml')).toThrow('128 KiB')
  })
})

describe('the text of a body', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.integer().map(number => new WrittenNumber(String(number))),
    fc.constantFrom(
      'yes',
      'a\nb\n',
      ' a\n',
      'a\n\n',
      '\n',
      'a\n b',
      'a \nb\n',
      '- a',
      'a: b',
      '1.0',
      '.',
      '...',
      '0x1',
      '‮',
      '#x',
      '|',
      '~',
      'é',
    ),
  )
  const { tree } = fc.letrec<{ tree: Tree }>(tie => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc
        .array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('a', 'y', '1')), tie('tree')), {
          maxLength: 4,
        })
        .map(entries => new Map(entries)),
    ),
  }))

  it('reads back as the body', () => {
    fc.assert(
      fc.property(tree, drawn => {
        const body: Tree = isObject(drawn) ? drawn : new Map([['a', drawn]])
        if (writeJson(body).includes('\\u0000') || body.has('<<')) return
        const text = bodyText(body)
        expect(text).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u)
        expect(writeJson(readShownBody('create', text).tree)).toBe(writeJson(body))
      }),
      { numRuns: 500 },
    )
  })

  it('reads back as the steps of a patch', () => {
    const steps = readShownBody(
      'patch',
      bodyText([
        new Map([
          ['op', 'remove'],
          ['path', '/a'],
        ]),
      ]),
    )
    expect(steps.sort).toBe('steps')
    expect(isList(steps.tree) && value(steps.tree)).toEqual([{ op: 'remove', path: '/a' }])
  })
})
