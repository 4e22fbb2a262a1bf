// config check, doctor.
import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import {
  type Config,
  type ConfigProblem,
  type LoadedConfig,
  loadConfig,
  patternEngine,
  problemAt,
  problemLine,
} from '#config'
import { ConfigurationError } from '#model'
import { colors } from './colors.ts'
import { runs } from './invocation.ts'
import { checkFolder } from './policy-folder.ts'
import type { LoadProtocols, Protocol } from './protocol-facts.ts'
import { plain, print } from './report.ts'
import { referencesOf } from './secret-findings.ts'
import { DIAL_MS, type Finding, reaches } from './upstream-findings.ts'

const HERE = { here: true }

export function configCommands(program: Command, protocols: LoadProtocols): void {
  const config = program.command('config').description('the configuration: check')
  const check = config
    .command('check')
    .description('checks sallyport.yaml; prints what is wrong with file and line')
    .option('--config <file>', 'the file', 'sallyport.yaml')
  runs(
    check,
    async ({ output }) => {
      const { config: file } = check.opts<{ config: string }>()
      const { config: loaded, problems: written } = await loadWhole(file, await protocols())
      const problems = [...written, ...(loaded === undefined ? [] : await tryPlugins(loaded))]
      const ok = loaded !== undefined && !problems.some(({ severity }) => severity === 'error')
      print(output, { ok, problems }, () =>
        [
          ...problems.map(problem => plain(problemLine(problem))),
          ok ? `${file} holds.` : `${file} does not hold.`,
        ].join('\n'),
      )
      return ok ? 0 : 1
    },
    HERE,
  )

  const doctor = program
    .command('doctor')
    .description('looks for what keeps a gateway from working here')
    .option('--config <file>', 'the file', 'sallyport.yaml')
  runs(
    doctor,
    async ({ output }) => {
      const { config: file } = doctor.opts<{ config: string }>()
      const findings = await examine(file, await protocols())
      print(output, findings, all =>
        all
          .map(
            ({ what, ok, detail }) =>
              `${ok ? colors.green('ok  ') : colors.red('BAD ')} ${plain(what).padEnd(24)} ${plain(detail)}`,
          )
          .join('\n'),
      )
      return findings.every(({ ok }) => ok) ? 0 : 1
    },
    HERE,
  )
}

/** As the server loads it: detectors are tried on their examples. */
async function loadWhole(file: string, protocols: readonly Protocol[]): Promise<LoadedConfig> {
  const { detectorRules } = await import('#engines/masking')
  return loadConfig(
    file,
    protocols,
    detectorRules(() => patternEngine),
  )
}

/** Loads the plugins as the server does, and lets them go again. */
async function tryPlugins(config: Config): Promise<readonly ConfigProblem[]> {
  if (config.plugins.length === 0) return []
  const [{ openPlugins }, { createMasking, createPatternDetector }] = await Promise.all([
    import('#services/plugins'),
    import('#engines/masking'),
  ])
  try {
    const plugins = await openPlugins(config.plugins, {
      log: { warn: () => {} },
      now: Date.now,
      failed: () => {},
    })
    plugins.close()
    // What classes name must be there; nothing is masked with it.
    createMasking({
      classes: config.dataClasses,
      tokenKey: new Uint8Array(32),
      detectors: [
        ...config.detectors.map(each => createPatternDetector(each, patternEngine)),
        ...plugins.detectors,
      ],
      maskers: plugins.maskers,
    })
    return []
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    // The problem is the answer.
    return [problemAt(config.file, ['plugins'], error.message)]
  }
}

async function examine(file: string, protocols: readonly Protocol[]): Promise<Finding[]> {
  const node = Number(process.versions.node.split('.')[0])
  const findings: Finding[] = [{ what: 'Node', ok: node >= 26, detail: process.version }]
  const { config, problems } = await loadWhole(file, protocols)
  const wrong = config === undefined ? problems : await tryPlugins(config)
  findings.push({
    what: 'configuration',
    ok: wrong.length === 0,
    detail: wrong.length === 0 ? file : wrong.map(problemLine).join('; '),
  })
  if (config === undefined) return findings
  findings.push(dataFolder(config), await policies(config), secrets(config))
  for (const { issuer, jwks } of config.identity.issuers) {
    const what = `issuer ${issuer}`
    // With its keys at hand nobody is asked for them.
    if (jwks?.startsWith('file:')) findings.push(keysIn(what, jwks.slice(5)))
    else findings.push(await answers(what, issuer))
  }
  for (const resource of config.resources) {
    findings.push(await reaches(`resource ${resource.name}`, resource.upstream))
  }
  return findings
}

function dataFolder(config: Config): Finding {
  const folder = existsSync(config.data) ? config.data : dirname(config.data)
  try {
    accessSync(folder, constants.W_OK)
    return { what: 'data folder', ok: true, detail: config.data }
  } catch {
    // The finding is the point: it is reported.
    return { what: 'data folder', ok: false, detail: `${folder} cannot be written` }
  }
}

async function policies(config: Config): Promise<Finding> {
  try {
    const { problems, set } = await checkFolder(config.policies.folder, config)
    const first = problems.find(({ severity }) => severity === 'error')
    return {
      what: 'policies',
      ok: set !== undefined,
      detail:
        first === undefined
          ? `${set?.policies.length ?? 0} policies`
          : `${first.file}:${first.line} ${first.message}`,
    }
  } catch (error) {
    // The finding is the point: it is reported.
    return {
      what: 'policies',
      ok: false,
      detail: error instanceof ConfigurationError ? error.message : String(error),
    }
  }
}

function secrets(config: Config): Finding {
  const { broken, exposed, unset } = referencesOf(config)
  const open = exposed.map(file => `every user of this machine can read ${file}`)
  const later = unset.map(name => `${name} is not set here: the server needs it`)
  const detail = [...broken, ...open, ...later].join('; ') || 'all are there'
  return { what: 'secrets and files', ok: broken.length === 0, detail }
}

function keysIn(what: string, file: string): Finding {
  const ok = existsSync(file)
  return { what, ok, detail: ok ? `keys in ${file}` : `there is no ${file}` }
}

async function answers(what: string, issuer: string): Promise<Finding> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(DIAL_MS) })
    return { what, ok: response.ok, detail: `${url} answered ${response.status}` }
  } catch (error) {
    // The finding is the point: it is reported. What fetch says of it stands in the cause.
    const why = error instanceof Error ? (error.cause ?? error) : error
    return { what, ok: false, detail: `${url}: ${why instanceof Error ? why.message : why}` }
  }
}
