// From what is written to what the program uses: absolute paths, model words, and the checks that look at
// several settings at once.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { DataClass, DetectorSettings, PluginSettings, Resource } from '#model'
import { type ChannelSettings, channelsOf } from './channels.ts'
import { type ClientCertificateSettings, clientCertificatesOf } from './client-certificates.ts'
import { type IssuerSettings, issuersConflict, type LoginSettings } from './issuers.ts'
import { type Path, type Report, reportIssues } from './problems.ts'
import type {
  HoldSettings,
  MaskingRules,
  ProtocolSettings,
  WrittenConfig,
  WrittenResource,
} from './schema.ts'
import { isLoopback, secretReference } from './values.ts'

/** The control plane's listener; every other one is named after its protocol. */
export const CONSOLE = 'console'
const CONSOLE_PORT = 8443

export interface ListenerConfig {
  /** `console`, or the name of a protocol. */
  readonly name: string
  readonly host: string
  readonly port: number
  readonly allowPlaintext: boolean
}

export interface ResourceConfig extends Resource {
  /** Over `approvals.hold`, in ms. */
  readonly hold?: Partial<HoldSettings>
}

/** The configuration, checked, complete and frozen. Paths are absolute, durations in ms, sizes in bytes. */
export interface Config {
  readonly file: string
  readonly data: string
  readonly store: 'embedded'
  readonly listen: readonly ListenerConfig[]
  /** Where browsers reach the console; undefined: 127.0.0.1 at the console's port. */
  readonly url: string | undefined
  /** References; undefined: our own CA issues. */
  readonly tls: { readonly certificate: string; readonly key: string } | undefined
  readonly names: readonly string[]
  readonly identity: {
    readonly issuers: readonly IssuerSettings[]
    readonly certificates: readonly ClientCertificateSettings[]
    readonly login: LoginSettings | undefined
  }
  readonly resources: readonly ResourceConfig[]
  /** In the order of the file. */
  readonly dataClasses: readonly DataClass[]
  /** Names of these, and of the classes that protocols bring: what policies may speak of. */
  readonly classNames: readonly string[]
  readonly detectors: readonly DetectorSettings[]
  readonly plugins: readonly PluginSettings[]
  readonly policies: { readonly folder: string; readonly editable: boolean }
  readonly approvals: { readonly hold: HoldSettings }
  readonly channels: readonly ChannelSettings[]
  readonly audit: { readonly durability: 'standard' | 'strict'; readonly sinks: readonly never[] }
  readonly limits: WrittenConfig['limits']
}

/** Reports what does not hold; the result counts only when no error was reported. */
export function buildConfig(
  file: string,
  written: WrittenConfig,
  protocols: readonly ProtocolSettings[],
  report: Report,
  masking?: MaskingRules,
): Config {
  const folder = dirname(resolve(file))
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  const reference = (text: string) =>
    text.startsWith('file:') ? `file:${absolute(text.slice(5))}` : text

  if (written.store !== 'embedded') {
    const other = /^postgres(ql)?:\/\//.test(written.store)
    report(
      ['store'],
      other
        ? 'a PostgreSQL store is not in this version: use "embedded"'
        : 'must be "embedded" (the only store of this version)',
    )
  }
  const { issuers } = written.identity
  const certificates = clientCertificatesOf(written.identity.certificates, issuers, reference)
  const conflict = issuersConflict(issuers, certificates)
  if (conflict) {
    const at = conflict.index - issuers.length
    const path = at < 0 ? ['issuers', conflict.index] : ['certificates', at]
    report(['identity', ...path, conflict.key], conflict.message)
  }

  const { tls, identity } = written
  if (
    identity.login !== undefined &&
    !identity.issuers.some(({ issuer }) => issuer === identity.login?.issuer)
  ) {
    report(
      ['identity', 'login', 'issuer'],
      'must be one of identity.issuers, whose entry says what its claims mean',
    )
  }
  const config: Config = {
    file: resolve(file),
    data: absolute(written.data),
    store: 'embedded',
    listen: listeners(written, protocols, report),
    url: written.url,
    tls:
      tls === undefined
        ? undefined
        : { certificate: reference(tls.certificate), key: reference(tls.key) },
    names: written.names,
    identity: {
      issuers: identity.issuers.map(issuer =>
        issuer.jwks === undefined ? issuer : { ...issuer, jwks: reference(issuer.jwks) },
      ),
      certificates,
      login: loginOf(identity.login, reference),
    },
    resources: resources(written, protocols, reference, report),
    dataClasses: Object.entries(written.dataClasses).map(([name, { detect, ...rest }]) => ({
      name,
      ...rest,
      ...(detect === undefined ? {} : { detect }),
    })),
    classNames: classNamesOf(written, protocols),
    detectors: detectorsOf(written, masking, report),
    plugins: pluginsOf(written, absolute, report),
    policies: { ...written.policies, folder: absolute(written.policies.folder) },
    approvals: written.approvals,
    channels: channelsOf(written.channels, written.url, reference, report),
    audit: written.audit,
    limits: written.limits,
  }
  return deepFreeze(config)
}

function classNamesOf(written: WrittenConfig, protocols: readonly ProtocolSettings[]): string[] {
  const own = protocols.flatMap(({ dataClasses = [] }) => dataClasses.map(({ name }) => name))
  return [...new Set([...Object.keys(written.dataClasses), ...own])]
}

function loginOf(
  login: WrittenConfig['identity']['login'],
  reference: (text: string) => string,
): Config['identity']['login'] {
  if (login === undefined) return undefined
  const { clientSecret, ...rest } = login
  return clientSecret === undefined ? rest : { ...rest, clientSecret: reference(clientSecret) }
}

function listeners(
  written: WrittenConfig,
  protocols: readonly ProtocolSettings[],
  report: Report,
): ListenerConfig[] {
  const ports = new Map(protocols.map(({ name, defaultPort }) => [name, defaultPort]))
  ports.set(CONSOLE, CONSOLE_PORT)
  const entries = Object.entries(written.listen)
  if (entries.length === 0) {
    return [{ name: CONSOLE, host: '127.0.0.1', port: CONSOLE_PORT, allowPlaintext: false }]
  }
  const taken = new Map<string, string>()
  const found: ListenerConfig[] = []
  for (const [name, { host, port, allowPlaintext }] of entries) {
    const path = ['listen', name]
    const usual = ports.get(name)
    if (usual === undefined) {
      report(path, `nothing listens as "${name}": ${known(ports.keys())}`, { atKey: true })
      continue
    }
    if (allowPlaintext && (name === CONSOLE || !isLoopback(host))) {
      report(
        [...path, 'allowPlaintext'],
        name === CONSOLE
          ? 'the console never speaks plaintext'
          : 'plaintext is accepted on a loopback address only: a token would be readable on the network',
      )
    }
    const listener = { name, host, port: port ?? usual, allowPlaintext }
    const key = `${listener.host}:${listener.port}`
    const other = listener.port === 0 ? undefined : taken.get(key)
    if (other !== undefined) report(path, `${key} is taken by ${other} already`)
    taken.set(key, name)
    found.push(listener)
  }
  return found
}

/** The operator's own modules, with what they hold now: a module that changed is a configuration that changed. */
function pluginsOf(
  written: WrittenConfig,
  absolute: (path: string) => string,
  report: Report,
): PluginSettings[] {
  for (const [name, { mask }] of Object.entries(written.dataClasses)) {
    if (typeof mask === 'string' || !('plugin' in mask) || written.plugins.length > 0) continue
    report(['dataClasses', name, 'mask', 'plugin'], 'there are no plugins')
  }
  const files = new Set<string>()
  return written.plugins.flatMap((plugin, index) => {
    const file = absolute(plugin.file)
    if (files.has(file)) report(['plugins', index], 'is there twice')
    files.add(file)
    try {
      const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
      return [{ ...plugin, file, sha256 }]
    } catch (error) {
      // It is reported, and the configuration refused.
      const code = error instanceof Error && 'code' in error ? error.code : 'it failed'
      report(['plugins', index], `${file} cannot be read (${code})`)
      return []
    }
  })
}

/** The file's own detectors, each tried on its examples, and the names that classes give. */
function detectorsOf(
  written: WrittenConfig,
  masking: MaskingRules | undefined,
  report: Report,
): DetectorSettings[] {
  const detectors = Object.entries(written.detectors).map(
    ([name, { checksum, ...rest }]): DetectorSettings => ({
      name,
      ...rest,
      ...(checksum === undefined ? {} : { checksum }),
    }),
  )
  if (masking === undefined) return detectors
  for (const detector of detectors) {
    const path = ['detectors', detector.name]
    if (masking.names.includes(detector.name)) {
      report(path, `there is a built-in detector "${detector.name}"`, { atKey: true })
      continue
    }
    for (const { path: at, message, severity } of masking.check(detector))
      report([...path, ...at], message, { severity })
  }
  // What a plugin brings is known when it has been loaded.
  if (written.plugins.length > 0) return detectors
  const names = [...masking.names, ...detectors.map(({ name }) => name)]
  for (const [name, { detect }] of Object.entries(written.dataClasses)) {
    if (detect === undefined || names.includes(detect)) continue
    report(['dataClasses', name, 'detect'], `there is no detector "${detect}": ${known(names)}`)
  }
  return detectors
}

function resources(
  written: WrittenConfig,
  protocols: readonly ProtocolSettings[],
  reference: (text: string) => string,
  report: Report,
): ResourceConfig[] {
  const names = new Set<string>()
  return written.resources.flatMap((resource, index) => {
    const path = ['resources', index]
    if (names.has(resource.name)) {
      report([...path, 'name'], `there is another resource "${resource.name}"`)
    }
    names.add(resource.name)
    const protocol = protocols.find(({ name }) => name === resource.protocol)
    if (protocol === undefined) {
      const all = known(protocols.map(({ name }) => name))
      report([...path, 'protocol'], `there is no protocol "${resource.protocol}": ${all}`)
      return []
    }
    if (!(protocol.name in written.listen)) {
      const message = `nobody can reach "${resource.name}": there is no listener for ${protocol.name}`
      report([...path, 'protocol'], message, { severity: 'warning' })
    }
    return [resourceOf(resource, protocol, reference, report, path)]
  })
}

function resourceOf(
  { hold, upstream, credential, protocol: _, ...rest }: WrittenResource,
  protocol: ProtocolSettings,
  reference: (text: string) => string,
  report: Report,
  path: Path,
): ResourceConfig {
  const checked = protocol.settings.safeParse(upstream ?? {})
  if (!checked.success) reportIssues(report, checked.error.issues, [...path, 'upstream'])
  const settled = checked.success ? withAbsoluteFiles(checked.data, reference) : undefined
  if (checked.success)
    // (As its own schema made it.)
    for (const { path: at, message } of protocol.checkFiles?.(settled as never) ?? [])
      report([...path, 'upstream', ...at], message)
  return {
    ...rest,
    protocol: protocol.name,
    upstream: settled,
    credential: credentialOf(credential, protocol, reference, report, [...path, 'credential']),
    ...(hold === undefined ? {} : { hold: written(hold) }),
  }
}

/** Without the settings that were left out, so that it can be laid over defaults. */
function written(hold: NonNullable<WrittenResource['hold']>): Partial<HoldSettings> {
  return Object.fromEntries(Object.entries(hold).filter(([, ms]) => ms !== undefined))
}

/** `file:` means the same everywhere in the file: a path from the file's folder. */
function withAbsoluteFiles(value: unknown, reference: (text: string) => string): unknown {
  if (typeof value === 'string') return reference(value)
  if (Array.isArray(value)) return value.map(item => withAbsoluteFiles(item, reference))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withAbsoluteFiles(item, reference)]),
  )
}

function credentialOf(
  credential: Readonly<Record<string, unknown>>,
  protocol: ProtocolSettings,
  reference: (text: string) => string,
  report: Report,
  path: Path,
): Resource['credential'] {
  const secrets: Record<string, string> = {}
  const ours: string[] = []
  const { ownFields = [], credentialMaps = {} } = protocol
  const settings: Record<string, unknown> = {}
  const { user, ...fields } = credential
  if (user !== undefined && (typeof user !== 'string' || user === '')) {
    report([...path, 'user'], 'must be text')
  }
  if (user === undefined && ownFields.some(field => fields[field] === 'ours')) {
    report([...path, 'user'], 'must be there: what the gateway makes is for one login')
  }
  const take = (field: string, value: unknown, at: Path) => {
    const checked = secretReference.safeParse(value)
    if (checked.success) secrets[field] = reference(checked.data)
    else reportIssues(report, checked.error.issues, at)
  }
  for (const [field, value] of Object.entries(fields)) {
    const at = [...path, field]
    if (ownFields.includes(field)) {
      if (value === 'ours') ours.push(field)
      else report(at, 'must be ours: the gateway makes it')
    } else if (credentialMaps[field] !== undefined) {
      if (!isMap(value)) {
        report(at, 'must be a map')
        continue
      }
      const rest: Record<string, unknown> = {}
      for (const [key, item] of Object.entries(value)) {
        if (protocol.secretFields.includes(`${field}.${key}`))
          take(`${field}.${key}`, item, [...at, key])
        else rest[key] = item
      }
      for (const name of protocol.secretFields) {
        if (name.startsWith(`${field}.`) && secrets[name] === undefined)
          report([...at, name.slice(field.length + 1)], 'must be there')
      }
      const checked = credentialMaps[field].safeParse(rest)
      if (checked.success) settings[field] = withAbsoluteFiles(checked.data, reference)
      else reportIssues(report, checked.error.issues, at)
    } else if (protocol.secretFields.includes(field)) {
      take(field, value, at)
    } else if (protocol.secretFields.includes(`${field}.*`)) {
      if (!isMap(value)) {
        report(at, 'must be a map')
        continue
      }
      for (const [key, item] of Object.entries(value)) take(`${field}.${key}`, item, [...at, key])
    } else {
      const all = known([
        'user',
        ...protocol.secretFields.filter(each => !(each.split('.')[0]! in credentialMaps)),
        ...Object.keys(credentialMaps),
        ...ownFields,
      ])
      report(at, `a credential for ${protocol.name} has no "${field}": ${all}`, { atKey: true })
    }
  }
  const given = [...Object.keys(secrets), ...Object.keys(settings)].map(name => name.toLowerCase())
  const same = (protocol.oneOf ?? []).filter(name => given.includes(name))
  if (same.length > 1) report(path, `has ${same.join(' and ')}: one of them at most`)
  return {
    ...(typeof user === 'string' ? { user } : {}),
    secrets,
    ...(ours.length === 0 ? {} : { ours }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function known(names: Iterable<string>): string {
  return `there is ${[...names].join(', ')}`
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}
