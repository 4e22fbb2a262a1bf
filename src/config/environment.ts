// The only reader of the process's environment.

/** The value of an environment variable; undefined when it is not set. */
export function environment(name: string): string | undefined {
  return process.env[name]
}

/** What a command line finds in its surroundings (design: "what scripts rely on"). */
export function commandEnvironment(): {
  readonly url: string | undefined
  readonly token: string | undefined
  readonly ca: string | undefined
  readonly colour: boolean
} {
  return {
    url: environment('SALLYPORT_URL'),
    token: environment('SALLYPORT_TOKEN'),
    ca: environment('SALLYPORT_CA'),
    colour: environment('NO_COLOR') === undefined,
  }
}

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof levels)[number]

/** How the log is to be written; an unknown level means `info`. */
export function telemetrySettings(): { readonly level: LogLevel } {
  const wanted = environment('SALLYPORT_LOG')
  return { level: levels.find(level => level === wanted) ?? 'info' }
}

/** The environment for a program that we start: ours, with `more` laid over it. */
export function childEnvironment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...more }
}
