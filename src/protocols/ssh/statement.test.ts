import { describe, expect, it } from 'vitest'
import { commandStatement, shellStatement } from './statement.ts'

const first = (command: string) => commandStatement(command, 'deploy').operations[0]

describe('a command as a statement', () => {
  it('names its program, with its arguments as values', () => {
    const read = commandStatement('systemctl status nginx', 'deploy')
    expect(read.operations).toEqual([
      {
        action: 'execute',
        verb: 'systemctl',
        object: { name: 'systemctl', kind: 'command' },
        columns: [],
        flags: [],
      },
    ])
    expect(read.parameters?.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual([
      'status',
      'nginx',
    ])
    expect(read.state).toEqual({ login: 'deploy' })
  })

  it('is what the shell runs, where only a shell can read it', () => {
    for (const command of [
      'uptime; id',
      'cat < /etc/passwd',
      'A=b uptime',
      '/uptime',
      '//bin/ls',
      'x "$y"',
    ]) {
      expect(first(command)?.object).toEqual({ name: 'sh', kind: 'command' })
      expect(first(command)?.flags).toEqual(['compound', 'dynamic'])
    }
  })

  it('keeps the folder of a program: /tmp/ls is not ls', () => {
    expect(first('/usr/bin/ls')?.object.name).toBe('usr/bin/ls')
    expect(first('./ls')?.object.name).toBe('./ls')
    // A folder that begins where the login does is not the one at the root.
    expect(first('usr/bin/ls')?.object.name).toBe('./usr/bin/ls')
    for (const path of ['../ls', '/usr/bin/../../tmp/ls', '/usr//bin/ls', '/./bin/ls', 'a/', '/a'])
      expect(first(path)?.object.name, path).toBe('sh')
    expect(first('ls')?.object.name).toBe('ls')
  })

  it('is a thing of its own for a shell', () => {
    expect(shellStatement('deploy').operations[0]?.object).toEqual({
      name: '<shell>',
      kind: 'shell',
    })
    for (const command of ['shell', "'<shell>'", '"<shell>"'])
      expect(first(command)?.object.name).not.toBe('<shell>')
  })
})
