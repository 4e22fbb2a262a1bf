// login, logout: a person signs in with a browser, here or on another machine.
import { spawn } from 'node:child_process'
import { hostname, userInfo } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { environment } from '#config'
import { type DeviceCode, paths, type SignedIn } from '#contract'
import { isGatewayError } from '#model'
import { colors } from './colors.ts'
import type { GatewayClient } from './gateway-client.ts'
import { runs } from './invocation.ts'
import { plain, print, when } from './report.ts'
import { keepSignIn, readSignIn } from './sign-in-file.ts'

export function loginCommands(program: Command): void {
  const login = program
    .command('login')
    .description('sign in with a browser, here or on another machine')
    .option('--no-browser', 'print the address only')
  runs(login, async ({ client, output, signal }) => {
    const gateway = client()
    const asked = await gateway.postAsNobody<DeviceCode>(paths.deviceCode, {
      client: `sallyport login of ${userInfo().username} on ${hostname()}`.slice(0, 128),
    })
    output.error(
      `Open ${colors.cyan(plain(asked.pageWithCode))}\nand check that it shows ${colors.bold(plain(asked.userCode))}`,
    )
    if (login.opts<{ browser: boolean }>().browser) openBrowser(asked.pageWithCode)
    const done = await taken(gateway, asked, signal)
    keepSignIn(gateway.url, done)
    print(
      output,
      { principal: done.principal, expiresAt: done.expiresAt },
      () => `Signed in as ${colors.bold(plain(done.principal))} until ${when(done.expiresAt)}.`,
    )
  })

  runs(
    program.command('logout').description('end the sign-in of `login`'),
    async ({ client, output }) => {
      const gateway = client()
      const known = readSignIn(gateway.url) !== undefined
      if (known) await gateway.delete(paths.signIns)
      // Forgotten after the gateway has ended it: a token that still holds is not mislaid.
      keepSignIn(gateway.url, undefined)
      print(output, { ended: known }, () => (known ? 'Signed out.' : 'You were not signed in.'))
    },
  )
}

/** Asks until a person has answered. Throws what the gateway says, or when the code has ended. */
async function taken(
  gateway: GatewayClient,
  { deviceCode, pollSeconds }: DeviceCode,
  signal: AbortSignal,
): Promise<SignedIn> {
  for (;;) {
    await wait(pollSeconds * 1_000, undefined, { signal })
    try {
      return await gateway.postAsNobody<SignedIn>(paths.deviceToken, { deviceCode })
    } catch (error) {
      // Not answered yet: that is what one waits for. Everything else ends it.
      if (!isGatewayError(error) || error.code !== 'approval_pending') throw error
    }
  }
}

/** Tries to; the address is printed in any case. */
function openBrowser(url: string): void {
  const [program, ...before] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler']
        : ['xdg-open']
  // An address of another scheme could start any program.
  if (!url.startsWith('https://')) return
  const hasDisplay = environment('DISPLAY') ?? environment('WAYLAND_DISPLAY')
  if (program === undefined || (program === 'xdg-open' && hasDisplay === undefined)) return
  // Without a shell: the address is data. A browser that cannot be started is no failure.
  spawn(program, [...before, url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
}
