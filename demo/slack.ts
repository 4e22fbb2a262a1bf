// A Slack to practise with, on loopback: what the gateway posts there is printed, and its buttons are pressed by
// `curl 'http://127.0.0.1:9500/press?button=approve&as=dora'`. It vouches for anybody: never let it stand for anything real.
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { join } from 'node:path'
import { parse } from 'yaml'
import { personas } from './issuer.ts'

interface Block {
  readonly type: string
  readonly text?: { readonly text: string }
  readonly elements?: readonly { readonly action_id?: string; readonly value?: string }[]
}
interface Posted {
  readonly channel: string
  readonly text: string
  readonly blocks: readonly Block[]
}

const [folder = '/tmp/sallyport-demo', port = '9500'] = process.argv.slice(2)
const signing = randomBytes(16).toString('hex')
const TEAM = 'T0DEMO'
const ANSWER_MS = 10_000

let newest: Posted | undefined
/** Whoever pressed a button waits for what the gateway makes of it. */
let heard: (text: string) => void = () => {}

/** What the gateway asks of Slack: https://docs.slack.dev/reference/methods. */
function answer(method: string, body: string): object {
  if (method === 'auth.test') return { team_id: TEAM }
  if (method === 'users.info') return { user: userOf(new URLSearchParams(body).get('user') ?? '') }
  const posted = JSON.parse(body) as Posted
  if (method === 'chat.postMessage') newest = posted
  else heard(posted.text)
  process.stdout.write(`[slack] ${method}: ${posted.text}\n${textOf(posted.blocks)}`)
  return { channel: posted.channel, ts: '1.1' }
}

function userOf(id: string): object {
  const email = personas[id.slice(2).toLowerCase()]?.claims['email']
  const own = { deleted: false, is_bot: false, is_email_confirmed: true }
  return { id, team_id: TEAM, ...own, profile: { email } }
}

/** All words of a message: they stand at any depth. */
function textOf(blocks: readonly Block[]): string {
  const words: string[] = []
  JSON.stringify(blocks, (key, value: unknown) => {
    if (key === 'text' && typeof value === 'string') words.push(value)
    return value
  })
  return words.map(each => `        ${each}\n`).join('')
}

/** As Slack sends a click: https://docs.slack.dev/authentication/verifying-requests-from-slack. */
async function press(button: string, as: string): Promise<string> {
  const action = newest?.blocks
    .flatMap(({ elements = [] }) => elements)
    .find(({ action_id }) => action_id === `sallyport_${button}`)
  if (newest === undefined || action === undefined) return 'There is no such button.\n'
  const payload = {
    type: 'block_actions',
    user: { id: `U0${as.toUpperCase()}` },
    channel: { id: newest.channel },
    actions: [action],
  }
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const at = String(Math.floor(Date.now() / 1_000))
  const signature = createHmac('sha256', signing).update(`v0:${at}:${body}`).digest('hex')
  const { listen, channels } = parse(readFileSync(join(folder, 'sallyport.yaml'), 'utf8'))
  const name = channels.find(({ type }: { type: string }) => type === 'slack').name
  const words = new Promise<string>(resolve => {
    heard = resolve
    setTimeout(resolve, ANSWER_MS, 'Nothing came back: see gateway.log.').unref()
  })
  const asked = request(`https://${listen.console}/hooks/${name}`, {
    method: 'POST',
    ca: readFileSync(join(folder, 'data', 'ca.pem')),
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': at,
      'x-slack-signature': `v0=${signature}`,
    },
  })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  return `${await words}\n`
}

const server = createServer((asked, response) => {
  const { pathname, searchParams } = new URL(asked.url ?? '/', 'http://slack')
  const said = async () => {
    if (pathname === '/press')
      return press(searchParams.get('button') ?? '', searchParams.get('as') ?? '')
    const chunks = await asked.toArray()
    const body = Buffer.concat(chunks).toString('utf8')
    return JSON.stringify({ ok: true, ...answer(pathname.slice(1), body) })
  }
  said().then(
    text => response.end(text),
    (error: unknown) => {
      // What is not understood is told to whoever practises.
      response.statusCode = 500
      response.end(`${error instanceof Error ? error.message : 'failed'}\n`)
    },
  )
})

server.listen(Number(port), '127.0.0.1', () => {
  writeFileSync(join(folder, 'slack.token'), 'xoxb-demo', { mode: 0o600 })
  writeFileSync(join(folder, 'slack.signing'), signing, { mode: 0o600 })
  process.stdout.write('[slack] listens\n')
})
