// The subcommands. Only this file knows which program is asked for.
import { createProgram, fail } from '#cli'
import { credentialPlugins } from './protocols/credential-plugins.ts'

const LONGEST_STOP_MS = 9_500
/** One defect must not end everybody's session; a storm of them means that we cannot be trusted to go on. */
const MOST_SURVIVED = 20
const SURVIVED_WITHIN_MS = 60_000

const program = createProgram(async () => (await import('#protocols')).protocols, credentialPlugins)

program
  .command('server')
  .description('runs the gateway')
  .requiredOption('--config <file>', 'needed: the configuration, sallyport.yaml')
  .option('--fork', 'set a log aside that cannot be continued, and begin a new one that says so')
  .action(async ({ config, fork }: { config: string; fork?: boolean }) => {
    const { startServer } = await import('#server')
    try {
      const server = await startServer(config, { fork: fork === true })
      process.on('SIGHUP', () => void server.reload())
      const stop = (status: number) => {
        // However a step of it hangs: the process ends within 10 s.
        setTimeout(() => process.exit(1), LONGEST_STOP_MS).unref()
        void server.stop().then(
          () => process.exit(status),
          () => process.exit(1),
        )
      }
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        // A second signal does not wait for anybody.
        process.once(signal, () => {
          process.once(signal, () => process.exit(1))
          stop(0)
        })
      }
      survive(server, () => stop(1))
    } catch (error) {
      // The border of the program: nothing runs, and the operator reads why.
      fail(error)
    }
  })

program
  .command('demo')
  .description('a gateway, a database with made-up customers and three principals, to try by hand')
  .option('--once', 'pastes its own lines and says whether each did what it says')
  .action(async ({ once }: { once?: boolean }) => {
    const { runDemo } = await import('../demo/index.ts')
    process.exitCode = await runDemo({ once: once === true })
  })

/** docs/adr/0008-last-resort.md. What comes here escaped the `catch` of its own session: a defect of ours. */
function survive(
  server: { readonly log: { error(fields: { err: unknown }, event: string): void } },
  giveUp: () => void,
): void {
  let recent: number[] = []
  const note = (event: string) => (error: unknown) => {
    server.log.error({ err: error }, event)
    recent = [...recent.filter(at => Date.now() - at < SURVIVED_WITHIN_MS), Date.now()]
    if (recent.length === MOST_SURVIVED) giveUp()
  }
  process.on('unhandledRejection', note('process.unhandled_rejection'))
  process.on('uncaughtException', note('process.uncaught_exception'))
}

await program.parseAsync()
