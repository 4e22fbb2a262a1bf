// What a client asks on a session channel, as a Statement. A shell, and a command that only a shell can read, are
// `execute` on an object of their own: no policy about a program permits them by accident.
import type { Flag, Operation, Statement } from '#model'
import { readStatement } from './sftp/statement.ts'
import { readTunnel } from './tunnels/statement.ts'
import { readWords } from './words.ts'

/** What a compound command is run by. */
const SHELL = 'sh'
/** The login shell: a name that no program can have here. */
const LOGIN_SHELL = '<shell>'

/** A command (`exec`), as it would run. `state`: the upstream login. */
export function commandStatement(command: string, login: string): Statement {
  const words = readWords(command)
  const program = words?.[0]
  const name = program === undefined ? undefined : objectName(program)
  if (words === undefined || program === undefined || name === undefined)
    return statement(command, operation(SHELL, SHELL, ['compound', 'dynamic']), login)
  return {
    ...statement(command, operation(program, name, []), login),
    parameters: words
      .slice(1)
      .map(word => ({ type: 'word', format: 'text' as const, value: Buffer.from(word) })),
  }
}

/** A login shell: what runs in it cannot be known. */
export function shellStatement(login: string): Statement {
  const shell: Operation = {
    ...operation('shell', LOGIN_SHELL, ['dynamic']),
    object: { name: LOGIN_SHELL, kind: 'shell' },
  }
  return statement(LOGIN_SHELL, shell, login)
}

/** What a text of ours tells of; undefined: it is a command. */
export function statementOfText(text: string, login: string): Statement | undefined {
  if (text === LOGIN_SHELL) return shellStatement(login)
  return readStatement(text, login) ?? readTunnel(text, login)
}

/**
 * A path keeps its directory, or `/tmp/ls` would be `ls`; one that starts where the login does says so, or
 * `usr/bin/ls` would be `/usr/bin/ls`. Undefined: it cannot be told from another name.
 */
function objectName(program: string): string | undefined {
  if (!program.includes('/')) return program
  const [first, ...rest] = program.split('/')
  const inside = first === '' || first === '.' ? rest : [first ?? '', ...rest]
  // Empty parts, `.` and `..` are other ways to write a path, or the way out of a folder that a policy names.
  if (inside.some(part => /^\.{0,2}$/.test(part))) return undefined
  if (first !== '') return `./${inside.join('/')}`
  return inside.length > 1 ? inside.join('/') : undefined
}

function operation(verb: string, name: string, flags: readonly Flag[]): Operation {
  return { action: 'execute', verb, object: { name, kind: 'command' }, columns: [], flags }
}

function statement(text: string, first: Operation, login: string): Statement {
  return {
    text,
    operations: [first],
    functions: [],
    phase: 'execute',
    state: { login },
    mayDeriveFrom: [],
  }
}
