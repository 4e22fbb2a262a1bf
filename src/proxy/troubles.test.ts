import { describe, expect, it } from 'vitest'
import { type GatewayError, UpstreamError } from '#model'
import { Troubles } from './troubles.ts'

const session = (id: string) => ({ id, resource: { name: 'prod' } }) as never
const refused = new UpstreamError('upstream_refused', 'the credential is not taken')
const unreachable = new UpstreamError('upstream_unreachable', 'nobody listens there')

function told() {
  const messages: string[] = []
  let time = 0
  const gateway = {
    upstreamFailed: (_: unknown, error: GatewayError) => messages.push(error.message),
  }
  const troubles = new Troubles(gateway as never, () => time)
  return {
    messages,
    troubles,
    pass(ms: number) {
      time += ms
    },
  }
}

describe('what the log is told of an upstream', () => {
  it('is told once, however often clients ask again, and again after ten seconds', () => {
    const { messages, troubles, pass } = told()
    for (let asked = 0; asked < 1_000; asked += 1) troubles.tell(session('ses-1'), refused)
    expect(messages).toHaveLength(1)
    pass(10_000)
    troubles.tell(session('ses-1'), refused)
    expect(messages).toHaveLength(2)
  })

  it('is told of each session and each reason', () => {
    const { messages, troubles } = told()
    troubles.tell(session('ses-1'), refused)
    troubles.tell(session('ses-1'), unreachable)
    troubles.tell(session('ses-2'), refused)
    expect(messages).toHaveLength(3)
  })

  it('costs no more memory for more sessions', () => {
    const { messages, troubles } = told()
    for (let id = 0; id < 1_000; id += 1) troubles.tell(session(`ses-${id}`), refused)
    expect(messages).toHaveLength(1_000)
  })
})
