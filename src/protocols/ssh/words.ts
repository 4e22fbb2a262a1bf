// Reads a command as a shell would, as far as every shell reads it alike: plain words and quoted ones. Whatever a shell
// would expand, join, redirect or run beside it is not ours to guess at: the command is then `compound`.

/** What an unquoted word may be made of. Everything else means something to some shell. */
const PLAIN = /[A-Za-z0-9_@%+=:,./-]/
/** What stands for itself between double quotes in every shell. */
const QUOTED = /[^"$`\\!]/
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/
/** Programs that need quotes are none of ours: their names stand in policies, beside names of our own. */
const PROGRAM = /^[A-Za-z0-9_@%+:,./-]+$/

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
      if (char === '"' && ![...inside].every(each => QUOTED.test(each))) return undefined
      word = (word ?? '') + inside
      at = end
    } else if (PLAIN.test(char)) {
      word = (word ?? '') + char
    } else {
      return undefined
    }
  }
  if (word !== undefined) words.push(word)
  const [program] = words
  if (program === undefined || CONTROL.test(command)) return undefined
  // `A=b program` sets what the program sees.
  return PROGRAM.test(program) && !ASSIGNMENT.test(program) ? words : undefined
}
