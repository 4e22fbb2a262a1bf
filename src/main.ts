// The subcommands. Only this file knows which program is asked for.
import { createProgram, fail } from '#cli'

const program = createProgram(async () => (await import('#protocols')).protocols)

program
  .command('server')
  .description('runs the gateway')
  .requiredOption('--config <file>', 'sallyport.yaml')
  .action(async ({ config }: { config: string }) => {
    const { startServer } = await import('./server.ts')
    try {
      const server = await startServer(config)
      process.on('SIGHUP', () => void server.reload())
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        // A second signal does not wait for anybody.
        process.once(signal, () => {
          process.once(signal, () => process.exit(1))
          void server.stop().then(() => process.exit(0))
        })
      }
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

await program.parseAsync()
