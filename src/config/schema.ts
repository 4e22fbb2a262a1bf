// The one schema of sallyport.yaml. Unknown keys fail at every level; all defaults are here.
// Knows no protocol: what a protocol asks of its resources it brings along (`ProtocolSettings`).
import { Buffer } from 'node:buffer'
import { z } from 'zod'
import {
  checksums,
  type DataClass,
  type DetectorSettings,
  maskMethods,
  predicateRules,
} from '#model'
import { channelsSchema } from './channels.ts'
import { identitySchema } from './issuers.ts'
import { address, byteSize, duration, secretReference } from './values.ts'

/** What this room must know of a protocol. */
export interface ProtocolSettings {
  /** Classes that its answers hold whatever is configured. */
  readonly dataClasses?: readonly Pick<DataClass, 'name'>[]
  readonly name: string
  readonly defaultPort: number
  /** Checks `resources[].upstream`. */
  readonly settings: z.ZodType
  /** Fields of `resources[].credential` that hold secrets; `headers.*` is a map of them. */
  readonly secretFields: readonly string[]
  /** Looks into the files that settings name: what does not hold, and at which of their fields. */
  checkFiles?(upstream: never): readonly {
    readonly path: readonly (string | number)[]
    readonly message: string
  }[]
  /** Fields that fill the same place: one of them at most. `headers.x` is one of a map, its name in any case. */
  readonly oneOf?: readonly string[]
  /** Fields that say `ours`. */
  readonly ownFields?: readonly string[]
  /** Fields that are maps: what checks their parts that hold no secrets. */
  readonly credentialMaps?: { readonly [field: string]: z.ZodType }
}

/** What this room must know of masking: which detectors there are, and whether one of the file's own holds. */
export interface MaskingRules {
  readonly names: readonly string[]
  check(settings: DetectorSettings): readonly {
    readonly path: readonly (string | number)[]
    readonly message: string
    readonly severity: 'error' | 'warning'
  }[]
}

/** A name that is safe in URLs, file names, Cedar ids and database names. */
export const resourceName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-_.]{0,62}$/,
    'a name has at most 63 of a-z, 0-9, "-", "_" and ".", and begins with a letter or digit',
  )

const listenerSchema = z.union([
  address.transform(value => ({ ...value, allowPlaintext: false })),
  z
    .strictObject({ address, allowPlaintext: z.boolean().default(false) })
    .transform(({ address: { host, port }, allowPlaintext }) => ({ host, port, allowPlaintext })),
])

const holdSchema = z.strictObject({
  user: duration.prefault('120s'),
  agent: duration.prefault('45s'),
  transaction: duration.prefault('20s'),
})

/** A data class, a detector, a masker. */
const ownName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is named in lower case')

const predicateRule = z.enum(predicateRules)

const maskingSchema = z.strictObject({
  predicates: z
    .union([
      predicateRule.transform(rule => ({ user: rule, agent: rule })),
      z.strictObject({
        user: predicateRule.default('equality'),
        agent: predicateRule.default('deny'),
      }),
    ])
    .prefault({}),
  valuesPerHour: z.int().min(0).max(1_000_000).default(20),
})

const resourceSchema = z.strictObject({
  name: resourceName,
  protocol: z.string(),
  tags: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.\-/]{0,62}$/, 'a tag key is a plain word'),
      z.string('a tag is text: put numbers and true or false in quotes').max(256),
    )
    .default({}),
  upstream: z.unknown(),
  credential: z.record(z.string(), z.unknown()).default({}),
  connector: z.literal('none', 'connectors are not in this version').default('none'),
  recording: z
    .strictObject({
      keep: z.enum(['statements', 'answers']).default('answers'),
      answerBytes: byteSize.prefault('64KiB'),
      input: z.boolean().default(false),
    })
    .refine(({ keep, input }) => keep === 'answers' || !input, {
      error: 'input is kept as far as it is shown back: it needs `keep: answers`',
    })
    .prefault({}),
  masking: maskingSchema.prefault({}),
  hold: z
    .strictObject({
      user: duration.optional(),
      agent: duration.optional(),
      transaction: duration.optional(),
    })
    .optional(),
})

const maskSchema = z.union([
  z.enum(
    maskMethods,
    `must be ${maskMethods.join(', ')}, or a map of keep, generalize, fixed or plugin`,
  ),
  z
    .strictObject({
      keep: z.strictObject({
        first: z.int().min(0).max(8).default(0),
        last: z.int().min(0).max(8).default(0),
      }),
      with: z
        .string()
        .regex(/^.$/u, 'must be one character')
        .regex(/^\P{C}$/u, 'must be a character that can be seen')
        .default('*'),
    })
    .refine(({ keep }) => keep.first + keep.last > 0, 'keeps nothing: use "redact"'),
  z.strictObject({
    generalize: z.union([
      z.enum(['year', 'month']),
      z.int().min(2, 'a bucket is a whole number of at least 2').max(1_000_000_000_000),
    ]),
  }),
  z.strictObject({
    fixed: z
      .string()
      .max(60)
      .refine(text => Buffer.byteLength(text) <= 60, 'at most 60 bytes')
      .refine(text => !text.includes('\0'), 'may not hold a NUL'),
  }),
  z.strictObject({ plugin: ownName }),
])

const dataClassSchema = z.strictObject({
  columns: z.array(z.string().min(1).max(256)).default([]),
  keys: z.array(z.string().min(1).max(128)).max(256).default([]),
  pointers: z
    .array(
      z
        .string()
        .max(512)
        .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'must be a JSON Pointer, such as /customers/*/email'),
    )
    .max(256)
    .default([]),
  detect: z.string().min(1).optional(),
  mask: maskSchema.default('redact'),
})

const pluginSchema = z.union([
  z
    .string('must be a path, or a map with file')
    .min(1)
    .transform(file => ({ file, callMs: 50, answerMs: 1_000, memoryMiB: 64 })),
  z
    .strictObject({
      file: z.string().min(1),
      callMs: z.int().min(1).max(1_000).default(50),
      answerMs: z.int().min(1).max(10_000).default(1_000),
      memoryMiB: z.int().min(16).max(1_024).default(64),
    })
    .refine(({ callMs, answerMs }) => callMs <= answerMs, 'callMs may not exceed answerMs'),
])

const example = z.string().min(1).max(4096)

const detectorSchema = z.strictObject({
  pattern: z.string().min(1).max(512),
  ignoreCase: z.boolean().default(false),
  boundary: z.boolean().default(true),
  context: z
    .array(
      z
        .string()
        .regex(
          /^[A-Za-z](?:[A-Za-z0-9 _-]{0,30}[A-Za-z0-9])?$/,
          'a context word is of ASCII letters',
        ),
    )
    .max(32)
    .default([]),
  within: z.int().min(1).max(200).default(40),
  checksum: z.enum(checksums).optional(),
  match: z.array(example).min(1, 'needs a text that the detector must see').max(64),
  mustNotMatch: z.array(example).max(64).default([]),
})

export const configSchema = z.strictObject({
  data: z.string().min(1).default('./data'),
  store: z.string().default('embedded'),
  listen: z.record(z.string(), listenerSchema).default({}),
  /** Where browsers reach the console. */
  url: z
    .string()
    .regex(/^https:\/\/[^/?#@\s]+$/, 'https://HOST or https://HOST:PORT, nothing behind it')
    .optional(),
  tls: z.strictObject({ certificate: secretReference, key: secretReference }).optional(),
  /** More names for the certificate that our own CA issues. */
  names: z.array(z.string().min(1).max(253)).default([]),
  identity: identitySchema.prefault({}),
  resources: z.array(resourceSchema).default([]),
  dataClasses: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a data class is named in lower case'),
      dataClassSchema,
    )
    .default({}),
  detectors: z
    .record(ownName, detectorSchema)
    .refine(all => Object.keys(all).length <= 64, 'at most 64 detectors')
    .default({}),
  plugins: z.array(pluginSchema).max(8).default([]),
  policies: z
    .union([
      z
        .string('must be a path, or a map with folder and editable')
        .min(1)
        .transform(folder => ({ folder, editable: false })),
      z.strictObject({
        folder: z.string().min(1).default('./policies'),
        /** Whether the console may write there, for whoever has console:administer. */
        editable: z.boolean().default(false),
      }),
    ])
    .prefault('./policies'),
  approvals: z.strictObject({ hold: holdSchema.prefault({}) }).prefault({}),
  channels: channelsSchema,
  audit: z
    .strictObject({
      durability: z.enum(['standard', 'strict']).default('standard'),
      sinks: z.array(z.never('sinks are not in this version')).default([]),
    })
    .prefault({}),
  limits: z
    .strictObject({
      messageBytes: byteSize
        .prefault('64MiB')
        .refine(bytes => bytes >= 65_536 && bytes <= 1_073_741_824, 'between 64KiB and 1GiB'),
      /** Bodies that are read before a decision: of all of them together, and the least of one in a second. */
      heldBodyBytes: byteSize.prefault('256MiB').refine(bytes => bytes >= 65_536, 'at least 64KiB'),
      bodyBytesPerSecond: byteSize.prefault('500B'),
      sessions: z.int().min(1).max(1_000_000).default(10_000),
      sessionsPerPrincipal: z.int().min(1).max(1_000_000).default(1_000),
      /** TCP connections on one listener, authenticated or not. */
      connections: z.int().min(1).max(1_000_000).default(12_000),
      /** Of these from one address (one /64 for IPv6). None by default: a load balancer is one address. */
      connectionsPerAddress: z.int().min(1).max(1_000_000).optional(),
      loginMs: z.int().min(100).max(600_000).default(30_000),
      upstreamLoginMs: z.int().min(100).max(600_000).default(30_000),
    })
    .prefault({}),
})

export type WrittenConfig = z.infer<typeof configSchema>
export type WrittenResource = z.infer<typeof resourceSchema>
export type HoldSettings = z.infer<typeof holdSchema>
