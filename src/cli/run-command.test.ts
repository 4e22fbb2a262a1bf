// What a command that `run` starts finds in its environment.
import { describe, expect, it } from 'vitest'
import { environmentOf } from './run-command.ts'

const reached = (name: string, port: number, native: Record<string, string> = {}, file = {}) => ({
  resource: { name, protocol: 'x', tags: {}, connect: [], tool: [] },
  port: { port, close: () => {} },
  file: { environment: file, remove: () => {} },
  native: { ...native, ...file },
  url: `x://127.0.0.1:${port}`,
})

describe('the environment of a command', () => {
  it('names each resource by itself', () => {
    expect(environmentOf([reached('crm.eu-1', 4711)])).toEqual({
      SALLYPORT_CRM_EU_1_HOST: '127.0.0.1',
      SALLYPORT_CRM_EU_1_PORT: '4711',
      SALLYPORT_CRM_EU_1_URL: 'x://127.0.0.1:4711',
    })
  })

  it('has what a native tool reads where one resource would fill it, and nothing of two that would mix', () => {
    const a = reached('a', 1, { HOST_OF_TOOL: 'a' }, { TOOL_CONFIG: '/a' })
    const b = reached('b', 2, { OTHER: 'b' })
    expect(environmentOf([a, b])).toMatchObject({
      HOST_OF_TOOL: 'a',
      TOOL_CONFIG: '/a',
      OTHER: 'b',
    })
    const c = reached('c', 3, { BESIDE: 'c' }, { TOOL_CONFIG: '/c' })
    const both = environmentOf([a, b, c])
    expect(both).toMatchObject({
      OTHER: 'b',
      SALLYPORT_A_TOOL_CONFIG: '/a',
      SALLYPORT_C_TOOL_CONFIG: '/c',
    })
    for (const name of ['HOST_OF_TOOL', 'TOOL_CONFIG', 'BESIDE'])
      expect(both).not.toHaveProperty(name)
  })

  it('is none where two names are one in capitals', () => {
    expect(() => environmentOf([reached('a-b', 1), reached('a.b', 2)])).toThrow(
      'a-b and a.b would both be SALLYPORT_A_B_PORT.',
    )
  })
})
