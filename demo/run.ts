// What `sallyport demo` does in a terminal: start, print the lines, wait for Ctrl-C. With `--once` it
// pastes the lines itself, prints what a newcomer would see, and its exit status says whether it is so.
import { spawn } from 'node:child_process'
import colors from 'picocolors'
import { type Demo, startDemo } from './demo.ts'
import type { Step } from './steps.ts'

/** Runs the demo to its end; the exit status. */
export async function runDemo(options: { once?: boolean } = {}): Promise<number> {
  console.log('Starting a database, an issuer and the gateway ...')
  let demo: Demo
  try {
    demo = await startDemo()
  } catch (error) {
    // The border of the program: what was started has been ended again.
    console.error(error instanceof Error ? error.message : error)
    return 1
  }
  let interrupted: () => void = () => {}
  const ending = new Promise<'interrupted'>(resolve => {
    interrupted = () => resolve('interrupted')
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupted)
  try {
    if (options.once) return await Promise.race([pasteAll(demo), ending.then(() => 1)])
    introduce(demo)
    const how = await Promise.race([ending, demo.gatewayEnded])
    if (how === 'interrupted') {
      console.log('\nEnding the gateway, the issuer and the database ...')
      return 0
    }
    console.error('The gateway has ended by itself.')
    return 1
  } finally {
    await demo.stop()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, interrupted)
  }
}

function introduce(demo: Demo): void {
  const { at, folder } = demo
  console.log(`
${colors.bold('Sallyport stands between three principals, a database, "shop", and an HTTP service, "billing".')}
order-bot is an agent, ana an analyst, dora a DBA. Each has a token and no database password.
PostgreSQL clients reach it at 127.0.0.1:${at.postgres}, clients of HTTP at https://127.0.0.1:${at.http}, browsers (the console) and the command line at https://127.0.0.1:${at.console}.

Paste into another terminal, one after the other:
`)
  demo.steps.forEach((step, index) => {
    console.log(`  ${colors.bold(String(index + 1))}  ${step.title}`)
    console.log(`     ${colors.cyan(step.line)}\n`)
  })
  if (demo.client === 'sql') {
    console.log(`psql is not on this machine, so the lines use "sql", a small stand-in. To have psql:
Debian, Ubuntu: sudo apt-get install postgresql-client    macOS: brew install libpq
`)
  }
  console.log(
    `After ${colors.cyan(`. ${folder}/order-bot`)} any PostgreSQL client of that shell is the agent, for instance ${demo.client}.
Clients that take no environment: ${colors.cyan(`. ${folder}/ana; sallyport connect shop`)} opens a local port without a password.
To sign in as a person yourself: ${colors.cyan(`. ${folder}/you; sallyport login`)} (the browser warns: the demo's certificate is its own).
The policies are in ${folder}/policies: edit one and ask again. The gateway's log is ${folder}/gateway.log.

Ctrl-C ends it all and removes ${folder}.`,
  )
}

async function pasteAll(demo: Demo): Promise<number> {
  let failures = 0
  for (let index = 0; index < demo.steps.length; index += 1) {
    const step = demo.steps[index]
    if (!step) break
    const next = step.waits ? demo.steps[index + 1] : undefined
    const first = paste(step)
    // A person would first see that the agent waits.
    if (next) {
      await new Promise(resolve => setTimeout(resolve, 1500))
      failures += report(next, await paste(next))
      index += 1
    }
    failures += report(step, await first)
  }
  console.log(failures === 0 ? 'Every line did what it says.' : `${failures} lines did not.`)
  return failures === 0 ? 0 : 1
}

interface Pasted {
  readonly status: number
  readonly printed: string
}

/** Gives a line to a fresh shell, as another terminal would. */
function paste(step: Step): Promise<Pasted> {
  return new Promise((resolve, reject) => {
    const shell = spawn('sh', ['-c', step.line], { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' })
    const chunks: Buffer[] = []
    shell.stdout.on('data', chunk => chunks.push(chunk))
    shell.stderr.on('data', chunk => chunks.push(chunk))
    const timer = setTimeout(() => shell.kill('SIGKILL'), 60_000)
    shell.on('error', reject)
    shell.on('close', code => {
      clearTimeout(timer)
      resolve({ status: code ?? 137, printed: Buffer.concat(chunks).toString('utf8') })
    })
  })
}

function report(step: Step, { status, printed }: Pasted): number {
  const wrong = [
    ...(status === step.status ? [] : [`exit status ${status}, not ${step.status}`]),
    ...step.shows.filter(text => !text.test(printed)).map(text => `does not show ${text}`),
    ...(step.hides ?? []).filter(text => text.test(printed)).map(text => `shows ${text}`),
  ]
  console.log(`${colors.bold(step.title)}\n$ ${step.line}\n${printed.trimEnd()}`)
  console.log(
    wrong.length === 0 ? '' : `${colors.red(`NOT AS IT SHOULD BE: ${wrong.join('; ')}`)}\n`,
  )
  return wrong.length === 0 ? 0 : 1
}
