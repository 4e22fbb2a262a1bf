// A command as a shell would read it, told as a list: which programs would run, and how they hang together. It explains,
// and decides nothing: what a shell makes of a text depends on the shell, on aliases and on variables.
import { Language, type Node, Parser } from 'web-tree-sitter'

export interface ExplainedCommand {
  /** As written; undefined where it is computed, or where no program runs. */
  readonly program: string | undefined
  readonly text: string
  readonly notes: readonly string[]
}

export interface Explanation {
  readonly commands: readonly ExplainedCommand[]
  /** Parts of it do not read as a command. */
  readonly hasError: boolean
  /** There is more than was explained. */
  readonly cut: boolean
}

export const MOST_TEXT = 16 * 1024
const MOST_COMMANDS = 100
const MOST_DEPTH = 150
const MOST_NOTES = 12
const MOST_SHOWN = 300
const MOST_NAME = 60
/** What they run stands in their words. */
const RUNS_OTHERS: ReadonlySet<string> = new Set(
  `. ash bash builtin busybox chroot command csh dash doas docker env eval exec fish find flock ionice ksh kubectl lua make
  nice node nohup nsenter parallel perl php python python3 ruby runuser script sed setsid sh source ssh stdbuf strace su
  sudo systemd-run tar tcsh time timeout trap vi vim watch xargs zsh`.split(/\s+/),
)

/** Loads the grammar; what it gives answers in about a millisecond, and in seconds where somebody wants it to. */
export async function loadExplainer(): Promise<(text: string) => Explanation> {
  await Parser.init()
  const file = new URL(import.meta.resolve('tree-sitter-bash/tree-sitter-bash.wasm'))
  const language = await Language.load(decodeURIComponent(file.pathname))
  const parser = new Parser()
  parser.setLanguage(language)
  return text => {
    const tree = parser.parse(text.slice(0, MOST_TEXT))
    if (tree === null) return { commands: [], hasError: true, cut: true }
    try {
      const walk = new Walk()
      walk.into(tree.rootNode, [], 0)
      return {
        commands: walk.commands,
        hasError: tree.rootNode.hasError,
        cut: walk.cut || text.length > MOST_TEXT,
      }
    } finally {
      tree.delete()
    }
  }
}

type Notes = readonly string[]

const BUILT_IN = /^(?:declaration|unset|test)_command$/
/** What is said of all that stands in it. */
const INSIDE: Readonly<Record<string, string>> = {
  function_definition: 'in a function',
  command_substitution: 'what it prints becomes a part of another command ($(…))',
  process_substitution: 'what it prints is a file to another command (<(…))',
  subshell: 'in a shell of its own ((…))',
  negated_command: 'its success counts as failure (!)',
  for_statement: 'in a loop',
  c_style_for_statement: 'in a loop',
  while_statement: 'in a loop',
  if_statement: 'under a condition',
  case_statement: 'under a condition',
}

class Walk {
  readonly commands: ExplainedCommand[] = []
  cut = false

  into(node: Node, notes: Notes, depth: number): void {
    if (depth > MOST_DEPTH || this.commands.length >= MOST_COMMANDS) {
      this.cut = true
      return
    }
    const next = depth + 1
    const { type } = node
    if (type === 'command') this.#command(node, notes, next)
    else if (type === 'pipeline') this.#pipeline(node, notes, next)
    else if (type === 'list') this.#list(node, notes, next)
    else if (type === 'redirected_statement') this.#redirected(node, notes, next)
    else if (BUILT_IN.test(type)) {
      const program = short(node.children[0]?.text ?? '')
      this.#add(program, node, notes)
      this.#inner(node, program, notes, next)
    } else if (type === 'variable_assignment') {
      this.#add(undefined, node, [...notes, 'sets a variable'])
      this.#inner(node, 'a variable', notes, next)
    } else {
      if (type === 'function_definition')
        this.#add(undefined, node, [
          ...notes,
          'defines a function, which runs where its name stands',
        ])
      if (type === 'ERROR' && depth > 0)
        this.#add(undefined, node, [...notes, 'does not read as a command'])
      const inside = INSIDE[type]
      this.#children(node, inside === undefined ? notes : [...notes, inside], next)
    }
  }

  /** Each statement in it; behind one, `&` sends it into the background. */
  #children(node: Node, notes: Notes, depth: number): void {
    const { children } = node
    for (const [at, child] of children.entries()) {
      const aside = children[at + 1]?.type === '&' && child.isNamed
      this.into(child, aside ? [...notes, 'in the background (&)'] : notes, depth)
    }
  }

  #command(node: Node, notes: Notes, depth: number): void {
    const name = node.childForFieldName('name')
    const program = name === null ? undefined : plainName(name)
    const own: string[] = []
    if (program === undefined) own.push('its name is computed: it may be any program')
    else if (RUNS_OTHERS.has(program.split('/').at(-1) ?? ''))
      own.push('may run what its words name')
    for (const child of node.namedChildren) {
      if (child.type === 'variable_assignment') own.push(`with ${short(child.text)}`)
      if (child.type === 'herestring_redirect') own.push('reads a text that stands here (<<<)')
      if (child.type === 'file_redirect') own.push(redirect(child))
    }
    const words = node.childrenForFieldName('argument')
    if (words.some(word => filled(word, 0)))
      own.push('has words that are filled in when it runs ($…)')
    if (
      words.some(
        word =>
          word.type !== 'string' && word.type !== 'raw_string' && /(?<!\\)[*?[]/.test(word.text),
      )
    )
      own.push('has words that stand for files (*, ?, […])')
    this.#add(program, node, [...notes, ...own])
    this.#inner(node, program ?? 'a computed program', notes, depth)
  }

  /** What runs for words of it. */
  #inner(node: Node, of: string, notes: Notes, depth: number): void {
    if (depth > MOST_DEPTH) {
      this.cut = true
      return
    }
    for (const child of node.namedChildren)
      if (/^(?:command|process)_substitution$/.test(child.type))
        this.into(child, [...notes, `for ${of}`], depth)
      else this.#inner(child, of, notes, depth + 1)
  }

  #pipeline(node: Node, notes: Notes, depth: number): void {
    const parts = node.namedChildren
    for (const [at, part] of parts.entries())
      this.into(
        part,
        [
          ...notes,
          ...(at > 0 ? ['reads what the one before prints (|)'] : []),
          ...(at < parts.length - 1 ? ['what it prints goes to the next (|)'] : []),
        ],
        depth,
      )
  }

  #list(node: Node, notes: Notes, depth: number): void {
    let when: string[] = []
    for (const child of node.children) {
      if (child.type === '&&') when = ['only if the one before succeeds (&&)']
      else if (child.type === '||') when = ['only if the one before fails (||)']
      else this.into(child, [...notes, ...when], depth)
    }
  }

  #redirected(node: Node, notes: Notes, depth: number): void {
    const where = node.childrenForFieldName('redirect').map(redirect)
    for (const child of node.namedChildren)
      if (/_redirect$/.test(child.type)) this.#inner(child, 'a redirection', notes, depth)
      else this.into(child, [...notes, ...where], depth)
  }

  #add(program: string | undefined, node: Node, notes: Notes): void {
    this.commands.push({
      program,
      text: short(node.text, MOST_SHOWN),
      notes: [...new Set(notes)].slice(-MOST_NOTES),
    })
  }
}

/** A name that stands there as it is; undefined when a shell would compute it. */
function plainName(name: Node): string | undefined {
  const word = name.namedChildren[0]
  if (word === undefined) return undefined
  if (word.type === 'word' && !/[\\*?[~]/.test(word.text)) return short(word.text)
  const quoted =
    word.type === 'raw_string' ||
    (word.type === 'string' && !filled(word, 0) && !/[\\!]/.test(word.text))
  return quoted ? short(word.text.slice(1, -1)) : undefined
}

function filled(node: Node, depth: number): boolean {
  if (
    /^(?:simple_expansion|expansion|command_substitution|process_substitution|arithmetic_expansion|brace_expression)$/.test(
      node.type,
    )
  )
    return true
  return depth < 8 && node.namedChildren.some(child => filled(child, depth + 1))
}

function redirect(node: Node): string {
  const [first] = node.children.filter(({ type }) => /[<>]/.test(type))
  const sign = first?.type ?? ''
  const to = node.childForFieldName('destination')?.text
  if (node.type === 'heredoc_redirect') return 'reads a text that stands here (<<)'
  if (node.type === 'herestring_redirect') return 'reads a text that stands here (<<<)'
  const name = to === undefined ? 'nothing' : short(to)
  // 2>&1: one stream into another.
  if (sign.includes('&') && /^\d+$|^-$/.test(name))
    return `sends one stream into another (${short(node.text)})`
  if (sign === '<') return `reads the file ${name} (<)`
  if (sign.includes('>>')) return `writes at the end of the file ${name} (${sign})`
  return `writes the file ${name} (${sign})`
}

function short(text: string, most = MOST_NAME): string {
  return text.length > most ? `${text.slice(0, most)}…` : text
}
