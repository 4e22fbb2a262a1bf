// The words of a command that runs in a container, as a shell would read them. There is no shell between: each word is
// one word of what runs, whatever is in it.

const PLAIN = /^[\w@%+=:,./-]+$/
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** One line for one list of words. */
export function commandLine(words: readonly string[]): string {
  return words.map(quote).join(' ')
}

function quote(word: string): string {
  if (PLAIN.test(word)) return word
  if (!UNSEEN.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`
  // As bash, zsh and ksh read it: what cannot be seen is spelled.
  const spelled = [...word].map(character =>
    character === "'" || character === '\\'
      ? `\\${character}`
      : UNSEEN.test(character)
        ? `\\u{${character.codePointAt(0)!.toString(16)}}`
        : character,
  )
  return `$'${spelled.join('')}'`
}

/** The reverse; undefined: it is no line of ours. */
export function readCommandLine(line: string): readonly string[] | undefined {
  const words: string[] = []
  const WORD = /(?:^| )(?:([\w@%+=:,./-]+)|((?:'[^']*'|\\')+)|\$'((?:[^'\\]|\\.)*)')(?= |$)/gsuy
  let at = 0
  for (const found of line.matchAll(WORD)) {
    const [whole, plain, single, spelled] = found
    if (plain !== undefined) words.push(plain)
    else if (single !== undefined)
      words.push(single.replace(/'([^']*)'|\\'/gs, (_, inside) => inside ?? "'"))
    else
      words.push(
        (spelled ?? '').replace(/\\(?:u\{([\da-f]{1,6})\}|(.))/gsu, (_, code, character) =>
          code === undefined ? character : String.fromCodePoint(Number.parseInt(code, 16)),
        ),
      )
    at = found.index + whole.length
  }
  return at === line.length ? words : undefined
}
