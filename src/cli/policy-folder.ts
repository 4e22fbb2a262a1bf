// The policies of a folder, checked against the names that a configuration knows.
import type { Config } from '#config'
import type { PolicySet, Problem } from '#engines/policy'
import { ConfigurationError } from '#model'

/** `set` is undefined when there is an error. Without a configuration, names are not looked up. */
export async function checkFolder(
  folder: string,
  config?: Config,
): Promise<{ set: PolicySet | undefined; problems: readonly Problem[] }> {
  // The parser comes along only where it is used: most commands talk to a gateway and start faster without.
  const [{ checkPolicies }, { loadFolder }] = await Promise.all([
    import('#engines/policy'),
    import('#services/policies'),
  ])
  const { files, problems } = await loadFolder(folder)
  const checked = checkPolicies(
    files,
    config && {
      resources: config.resources.map(({ name, tags }) => ({ name, tags })),
      dataClasses: config.classNames,
    },
  )
  return {
    set: problems.length === 0 ? checked.set : undefined,
    problems: [...problems, ...checked.problems],
  }
}

/** The set, or ConfigurationError with every problem. */
export async function usableFolder(folder: string, config?: Config): Promise<PolicySet> {
  const { set, problems } = await checkFolder(folder, config)
  if (set === undefined) {
    throw new ConfigurationError('configuration_invalid', problems.map(problemText).join('\n'))
  }
  return set
}

export function problemText({
  file,
  line,
  column,
  severity,
  message,
}: Omit<Problem, 'policy'>): string {
  return `${file}:${line}:${column} ${severity}: ${message}`
}
