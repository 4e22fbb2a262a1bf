// From what is written to what the program uses: absolute paths, model words, and the checks that look at
// several settings at once.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import type { DataClass, DetectorSettings, PluginSettings } from '#model'
import { type ChannelSettings, channelsOf } from './channels.ts'
import { type ClientCertificateSettings, clientCertificatesOf } from './client-certificates.ts'
import { type IssuerSettings, issuersConflict, type LoginSettings } from './issuers.ts'
import { known, type Report } from './problems.ts'
import { type ResourceConfig, resourcesOf } from './resources.ts'
import type { HoldSettings, MaskingRules, ProtocolSettings, WrittenConfig } from './schema.ts'
import { isLoopback } from './values.ts'

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
    resources: resourcesOf(written, protocols, reference, report),
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

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFreeze(part)
  return value
}
