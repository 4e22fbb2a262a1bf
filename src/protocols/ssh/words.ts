// Reads a command as a shell would, as far as every shell reads it alike: plain words and quoted ones. Whatever a shell
// would expand, join, redirect or run beside it is not ours to guess at: the command is then `compound`.

/** What an unquoted word may be made of. Everything else means something to some shell. */
const PLAIN = /[A-Za-z0-9_@%+=:,./-]/
/** What stands for itself between double quotes in every shell. */
const QUOTED = /[^"$`\\!]/
/** The same between single quotes: `\` is for fish to read, `!` for csh. */
const SINGLE = /[^\\!]/
/** What a word means by its first character: a path in zsh (`=ls`), a directory in tcsh (`=1`), a job (`%1`). */
const LEADING = /[=%]/
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
/** Programs that need quotes are none of ours: their names stand in policies, beside names of our own. */
const PROGRAM = /^[A-Za-z0-9_./](?:[A-Za-z0-9_@%+:,./-]*[A-Za-z0-9_@%+,./-])?$/
/** Words of a grammar, in sh, bash, ksh, zsh, csh, tcsh or fish: no programs, whatever follows them. */
const KEYWORDS: ReadonlySet<string> = new Set(
  `and begin break breaksw case continue coproc default do done elif else end endif endsw esac fi for foreach
  function goto if in namespace nocorrect noglob not onintr or repeat return select switch then time until while`.split(
    /\s+/,
  ),
)

/** The words of a single, simple command; undefined when it is anything more, or nothing. */
export function readWords(command: string): readonly string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < command.length; at += 1) {
    const char = command[at]!
    if (char === ' ') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (char === "'" || char === '"') {
      const end = command.indexOf(char, at + 1)
      if (end < 0) return undefined
      const inside = command.slice(at + 1, end)
      const plain = char === '"' ? QUOTED : SINGLE
      if (![...inside].every(each => plain.test(each))) return undefined
      word = (word ?? '') + inside
      at = end
    } else if (PLAIN.test(char) && !((word ?? '') === '' && LEADING.test(char))) {
      word = (word ?? '') + char
    } else {
      return undefined
    }
  }
  if (word !== undefined) words.push(word)
  const [program] = words
  if (program === undefined || CONTROL.test(command)) return undefined
  // `A=b program` sets what the program sees, and no program's name holds a `=` here.
  return PROGRAM.test(program) && !KEYWORDS.has(program) ? words : undefined
}
