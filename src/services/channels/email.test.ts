import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { SettingsOf } from '#config'
import { openServerAuthority, tlsIdentity } from '../../transport/index.ts'
import { message, never, request, shared, toolsWith } from './channels.testing.ts'
import { EmailChannel } from './email.ts'

interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly text: string
  readonly secure: boolean
  readonly user: unknown
}

const folder = mkdtempSync(join(tmpdir(), 'sallyport-mail-'))
let ca: string
let pem: { certificate: string; key: string }
const servers: SMTPServer[] = []

beforeAll(async () => {
  const authority = await openServerAuthority({ folder, now: Date.now })
  const tls = await tlsIdentity({ kind: 'own', authority, names: ['localhost'], now: Date.now })
  ca = authority.certificate
  pem = tls.pem()
  tls.close()
})
afterEach(async () => {
  await Promise.all(servers.splice(0).map(each => new Promise<void>(done => each.close(done))))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function server(options: SMTPServerOptions = {}): Promise<{ port: number; mails: Mail[] }> {
  const mails: Mail[] = []
  const smtp = new SMTPServer({
    key: pem.key,
    cert: pem.certificate,
    authOptional: true,
    logger: false,
    onAuth: ({ username, password }, _session, done) =>
      username === 'gate' && password === 'letmein'
        ? done(null, { user: username })
        : done(new Error('Invalid username or password')),
    onData: (stream, session, done) => {
      const pieces: Buffer[] = []
      stream.on('data', piece => pieces.push(piece))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(pieces).toString('utf8'),
          secure: session.secure,
          user: session.user,
        })
        done()
      })
    },
    ...options,
  })
  // A client that leaves, or does not trust us, is what some of these tests are about.
  smtp.on('error', () => {})
  servers.push(smtp)
  await new Promise<void>(resolve => smtp.listen(0, '127.0.0.1', resolve))
  return { port: (smtp.server.address() as AddressInfo).port, mails }
}

function channel(port: number, changes: Partial<SettingsOf<'email'>> = {}): EmailChannel {
  return new EmailChannel(
    {
      ...shared,
      type: 'email',
      name: 'mail',
      host: '127.0.0.1',
      port,
      security: 'starttls',
      ca: 'file:ca',
      from: 'sallyport@gate.example.com',
      to: ['dba@example.com', 'sec@example.com'],
      ...changes,
    },
    toolsWith({ 'file:ca': ca, 'env:PASS': 'letmein', 'env:WRONG': 'no' }),
  )
}

const unfold = (mail: Mail | undefined) =>
  (mail?.text ?? '').replace(/\r\n/g, '\n').replace(/=\n/g, '')

describe('an e-mail', () => {
  it('goes over STARTTLS, as plain text, to all who are named', async () => {
    const { port, mails } = await server()
    const mail = channel(port)
    const remote = await mail.send(message(mail, 'asked'), never)
    expect(remote).toEqual({ messageId: '<msg_1@gate.example.com>' })
    expect(mails).toMatchObject([
      {
        from: 'sallyport@gate.example.com',
        to: ['dba@example.com', 'sec@example.com'],
        secure: true,
      },
    ])
    const text = unfold(mails[0])
    expect(text).toMatch(/^Subject: bot-7 asks for DELETE public\.customers on shop$/m)
    expect(text).toMatch(/^Content-Type: text\/plain; charset=utf-8$/m)
    expect(text).toMatch(/^Auto-Submitted: auto-generated$/m)
    expect(text).not.toMatch(/text\/html|multipart/)
    expect(text).toContain('> delete from customers where email')
    expect(text).toContain('https://gate.example.com/requests/req-0123456789ab')
    expect(text).toContain('https[:]//evil.example')
  })

  it('goes over TLS from the first byte where that is said, with user and password', async () => {
    const { port, mails } = await server({ secure: true, authOptional: false })
    const mail = channel(port, { security: 'tls', user: 'gate', password: 'env:PASS' })
    await mail.send(message(mail, 'test'), never)
    expect(mails).toMatchObject([{ secure: true, user: 'gate' }])
  })

  it('is never sent in clear, nor to a server that cannot prove its name', async () => {
    const clear = await server({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    const plain = channel(clear.port)
    await expect(plain.send(message(plain, 'asked'), never)).rejects.toThrow('does not offer TLS')
    const other = await server()
    const { ca: _, ...settings } = channel(other.port).settings as SettingsOf<'email'>
    const distrustful = new EmailChannel(settings, toolsWith({}))
    await expect(distrustful.send(message(distrustful, 'asked'), never)).rejects.toThrow(
      'cannot prove its name',
    )
    expect([...clear.mails, ...other.mails]).toEqual([])
  })

  it('says why there is no connection, and what to look at', async () => {
    const { port } = await server()
    const early = channel(port, { security: 'tls' })
    await expect(early.send(message(early, 'asked'), never)).rejects.toThrow(
      'does not begin with TLS: `security: starttls`',
    )
    const nobody = channel(1)
    await expect(nobody.send(message(nobody, 'asked'), never)).rejects.toThrow(
      'cannot be reached (ECONNREFUSED)',
    )
  })

  it('says that the password is wrong, and nothing of it', async () => {
    const { port, mails } = await server({ authOptional: false })
    const mail = channel(port, { user: 'gate', password: 'env:WRONG' })
    await expect(mail.send(message(mail, 'asked'), never)).rejects.toMatchObject({
      message: 'the server refused user and password',
      final: false,
    })
    expect(mails).toEqual([])
  })

  it('takes no header and no line of ours from words of others', async () => {
    const { port, mails } = await server()
    const mail = channel(port)
    const wild = request({
      principal: 'bot\r\nBcc: everybody@example.com\r\n\r\n<script>',
      statement: 'select 1\n\nhttps://evil.example\n.\r\nrequest: req-other',
    })
    await mail.send(message(mail, 'asked', wild), never)
    const text = unfold(mails[0])
    expect(mails[0]?.to).toEqual(['dba@example.com', 'sec@example.com'])
    expect(text).not.toMatch(/^Bcc:/m)
    expect(text).not.toMatch(/^request: req-other/m)
    expect(text).toMatch(/^> request: req-other$/m)
  })

  it('lays no link to elsewhere: what a statement calls its tables is words of whoever asks', async () => {
    const { port, mails } = await server()
    const mail = channel(port)
    const wild = request({ objects: ['https://evil.example/approve', 'www.evil.example'] })
    await mail.send(message(mail, 'asked', { ...wild, statement: 'select 1' }), never)
    const text = unfold(mails[0])
    expect(text).toContain('evil.example/approve')
    expect(text).not.toMatch(/https:\/\/evil|www\.evil/)
  })

  it('answers the first one when it is decided', async () => {
    const { port, mails } = await server()
    const mail = channel(port)
    const after = request({
      state: 'approved',
      votes: [{ approver: 'dora', vote: 'approve', at: 1 }],
    })
    await mail.send(
      { ...message(mail, 'decided', after, { messageId: '<msg_0@x>' }), id: 'msg_2' },
      never,
    )
    const text = unfold(mails[0])
    expect(text).toMatch(/^In-Reply-To: <msg_0@x>$/m)
    expect(text).toMatch(/^Message-ID: <msg_2@gate.example.com>$/im)
    expect(text).toContain('Approved by dora')
    expect(text).not.toContain('delete from')
  })

  it('is tried again when the server is busy, and not when it never wants it', async () => {
    const refusing = (responseCode: number) =>
      server({
        onRcptTo: (_address, _session, done) =>
          done(Object.assign(new Error('words of the server'), { responseCode })),
      })
    for (const [code, final] of [
      [450, false],
      [550, false],
      [554, true],
    ] as const) {
      const { port } = await refusing(code)
      const mail = channel(port, { to: ['dba@example.com'] })
      await expect(mail.send(message(mail, 'asked'), never)).rejects.toMatchObject({
        message: `the server answered ${code}`,
        final,
      })
    }
  })

  it('reaches no server behind the gateway that nobody wrote down as such', async () => {
    const mail = channel(25, { host: '10.0.0.1' })
    await expect(mail.send(message(mail, 'asked'), never)).rejects.toThrow('not public')
  })
})
