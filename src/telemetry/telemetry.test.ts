import { describe, expect, it } from 'vitest'
import { Secret, UpstreamError } from '#model'
import { createLog, createMetrics, describeError } from './index.ts'

function recordingLog() {
  const lines: Record<string, unknown>[] = []
  const log = createLog({
    level: 'debug',
    stream: { write: text => void lines.push(JSON.parse(text)) },
  })
  return { log, lines }
}

describe('the log', () => {
  it('writes one JSON object per event, with its fields and those of its parent', () => {
    const { log, lines } = recordingLog()
    log.child({ session: 'ses-1' }).warn({ rows: 3 }, 'session.closed')
    expect(lines).toEqual([
      {
        level: 'warn',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        session: 'ses-1',
        rows: 3,
        event: 'session.closed',
      },
    ])
  })

  it('leaves out what is below its level', () => {
    const lines: string[] = []
    const log = createLog({ level: 'warn', stream: { write: text => void lines.push(text) } })
    log.info({}, 'quiet')
    expect(lines).toEqual([])
  })

  it('never writes a secret, by its type or by the name of its field', () => {
    const { log, lines } = recordingLog()
    const secret = new Secret('hunter2')
    log.info({ some: secret, password: 'hunter2', token: 'hunter2' }, 'x')
    log.info({ inner: { authorization: 'hunter2' } }, 'y')
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    expect(lines[0]).toMatchObject({ some: '[secret]', password: '[secret]' })
  })

  it('shows our errors with their words, and of others only the kind and the place', () => {
    let parse: unknown
    try {
      JSON.parse('hunter2')
    } catch (error) {
      parse = error
    }
    expect(String(parse)).toContain('hunter2')
    const { log, lines } = recordingLog()
    const err = new UpstreamError('upstream_lost', 'it went away', { cause: parse })
    log.error({ err }, 'x')
    expect(lines[0]).toMatchObject({
      err: {
        type: 'UpstreamError',
        code: 'upstream_lost',
        message: 'it went away',
        cause: { type: 'SyntaxError' },
      },
    })
    expect(JSON.stringify(lines)).not.toContain('hunter2')
    expect(JSON.stringify(lines)).toContain('telemetry.test.ts')
  })

  it('does not take the lines of a message for frames, nor follow causes for ever', () => {
    const error = new Error('first\nat hunter2 (x.ts:1:1)\nlast')
    expect(JSON.stringify(describeError(error))).not.toContain('hunter2')
    const loop = new Error('a')
    loop.cause = loop
    expect(JSON.stringify(describeError(loop)).length).toBeLessThan(20_000)
    expect(describeError('hunter2')).toEqual({ type: 'string' })
  })
})

describe('the metrics', () => {
  it('count what they are told, once for each time they are asked', async () => {
    const metrics = createMetrics({ process: false })
    metrics.sessionOpened('shop')
    metrics.sessionOpened('shop')
    metrics.sessionClosed('shop', 'client_left')
    metrics.decided('shop', 'permit')
    metrics.decided('shop', 'permit')
    metrics.decided('shop', 'deny')
    metrics.held('approved', 3)
    metrics.auditAppended(0.00002)
    await metrics.text()
    const text = await metrics.text()
    expect(text).toContain('sallyport_sessions{resource="shop"} 1')
    expect(text).toContain(
      'sallyport_sessions_closed_total{resource="shop",reason="client_left"} 1',
    )
    expect(text).toContain('sallyport_statements_total{resource="shop",decision="permit"} 2')
    expect(text).toContain('sallyport_statements_total{resource="shop",decision="deny"} 1')
    expect(text).toContain('sallyport_hold_seconds_bucket{le="5",outcome="approved"} 1')
    expect(text).toContain('sallyport_audit_append_seconds_count 1')
  })

  it('include the process when asked to', async () => {
    expect(await createMetrics().text()).toContain('sallyport_process_cpu_seconds_total')
  })
})
