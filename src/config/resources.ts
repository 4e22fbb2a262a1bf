// Resources and their credentials, as their protocols have them: which settings and fields there are, which of them are secrets.
import type { Resource } from '#model'
import { known, type Path, type Report, reportIssues } from './problems.ts'
import type { HoldSettings, ProtocolSettings, WrittenConfig, WrittenResource } from './schema.ts'
import { secretReference } from './values.ts'

export interface ResourceConfig extends Resource {
  /** Over `approvals.hold`, in ms. */
  readonly hold?: Partial<HoldSettings>
}

export function resourcesOf(
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
