import { describe, expect, it } from 'vitest'
import { InvalidRequest } from '#model'
import { fc } from '../../../test/property.ts'
import { jsonOfProtobuf } from './decode.ts'

// What kubectl 1.32.5 sent.
const CREATE_DEPLOYMENT =
  'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErgBCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEoYBCAISDAoKCgNhcHASA3dlYhpsChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEkwSLgoFbmdpbngSBW5naW54KgAyCgoAEAAYUCIAKgBCAGoAcgCAAQCIAQCQAQCiAQAaADIAQgBKAFIAWABgAGgAggEAigEAmgEAwgEAIgIKACgAOAAaDAgAEAAYACAAKAA4ABoAIgA='
const CREATE_SECRET = 'azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWIaABoAIgA='
const MAY_I =
  'azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSOQoQCgASABoAIgAqADIAOABCABIbChkKAXgSA2dldBoAIgAqBHBvZHMyADoDbG9nGggIABIAGgAgABoAIgA='

const bytes = (base64: string) => Buffer.from(base64, 'base64')
/** A field of protobuf: of bytes, or a number below 128. */
const field = (number: number, value: Uint8Array | number): Buffer =>
  typeof value === 'number'
    ? Buffer.of(number << 3, value)
    : Buffer.concat([Buffer.of((number << 3) | 2, value.length), value])
const text = (number: number, value: string) => field(number, Buffer.from(value))
const body = (apiVersion: string, kind: string, ...fields: Buffer[]) =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([text(1, apiVersion), text(2, kind)])),
    field(2, Buffer.concat(fields)),
  ])
const configMap = (...fields: Buffer[]) => body('v1', 'ConfigMap', ...fields)
const plain = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('a body that a Kubernetes client wrote as protobuf', () => {
  it('is the JSON that the same client means', () => {
    expect(plain(jsonOfProtobuf(bytes(CREATE_DEPLOYMENT)))).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        strategy: {},
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            containers: [
              { name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }], resources: {} },
            ],
          },
        },
      },
      status: {},
    })
    expect(plain(jsonOfProtobuf(bytes(CREATE_SECRET)))).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      data: { a: 'Yg==' },
    })
    expect(plain(jsonOfProtobuf(bytes(MAY_I)))).toMatchObject({
      kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: { namespace: 'x', verb: 'get', resource: 'pods', name: 'log' },
      },
    })
  })

  it('keeps a zero that is said and leaves out one that is not', () => {
    const spec = (...fields: Buffer[]) =>
      body('apps/v1', 'Deployment', field(2, Buffer.concat(fields)))
    expect(plain(jsonOfProtobuf(spec(field(1, 0), field(7, 0))))['spec']).toEqual({ replicas: 0 })
  })

  it('takes any name as the key of a map', () => {
    const entry = (key: string) => field(2, Buffer.concat([text(1, key), text(2, 'x')]))
    const read = jsonOfProtobuf(configMap(entry('__proto__'), entry('constructor')))
    expect(JSON.stringify(read['data'])).toBe('{"__proto__":"x","constructor":"x"}')
    expect(() => jsonOfProtobuf(configMap(entry('a'), entry('a')))).toThrow(InvalidRequest)
  })

  it.each([
    ['does not begin as one', Buffer.from('{"kind":"Pod"}')],
    ['is of a kind that is not known', body('example.com/v1', 'Pod')],
    ['is of a kind that an object has by nature', body('v1', 'constructor')],
    ['has a field that is not known', configMap(text(9, 'x'))],
    ['says its metadata twice', configMap(field(1, text(1, 'a')), field(1, text(1, 'b')))],
    ['has a number for a string', configMap(field(1, field(1, 5)))],
    ['has a string that is not UTF-8', configMap(field(1, field(1, Buffer.of(0xff))))],
    ['ends inside of a field', configMap(text(1, 'abc')).subarray(0, -2)],
    [
      'holds JSON inside of its envelope',
      Buffer.concat([configMap(), text(4, 'application/json')]),
    ],
    ['is encoded once more', Buffer.concat([configMap(), text(3, 'gzip')])],
    ['has an envelope of two objects', Buffer.concat([configMap(), field(2, Buffer.alloc(0))])],
    [
      'has a number that JSON cannot carry',
      body(
        'v1',
        'Pod',
        field(1, Buffer.concat([Buffer.of(7 << 3), Buffer.alloc(8, 0xff), Buffer.of(0x3f)])),
      ),
    ],
  ])('is refused when it %s', (_, given) => {
    expect(() => jsonOfProtobuf(given)).toThrow(InvalidRequest)
  })

  it('is refused when a few bytes would be very many objects', () => {
    const containers = Buffer.from('1200'.repeat(200_000), 'hex')
    const long = (number: number, value: Buffer) => {
      const size = value.length
      const head = [(number << 3) | 2, (size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14]
      return Buffer.concat([Buffer.from(head), value])
    }
    const about = field(1, Buffer.concat([text(1, 'v1'), text(2, 'Pod')]))
    const given = Buffer.concat([Buffer.from('k8s\0'), about, long(2, long(2, containers))])
    expect(() => jsonOfProtobuf(given)).toThrow('fields')
  })

  it('is read or refused, whatever was changed in it', () => {
    const good = [CREATE_DEPLOYMENT, CREATE_SECRET, MAY_I].map(bytes)
    const change = fc.tuple(fc.nat(255), fc.nat(255))
    fc.assert(
      fc.property(
        fc.constantFrom(...good),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat(255),
        (from, changes, cut) => {
          const given = Buffer.from(from)
          for (const [at, value] of changes) given[4 + (at % (given.length - 4))] = value
          try {
            JSON.stringify(jsonOfProtobuf(given.subarray(0, given.length - (cut % 5))))
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidRequest)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})
