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
        ? codeOf(character.codePointAt(0)!)
        : character,
  )
  return `$'${spelled.join('')}'`
}

function codeOf(code: number): string {
  const digits = code.toString(16)
  return code > 0xffff ? `\\U${digits.padStart(8, '0')}` : `\\u${digits.padStart(4, '0')}`
}

/** Plain, between single quotes, spelled. */
const WORD =
  /(?:^| )(?:([\w@%+=:,./-]+)|((?:'[^']*'|\\')+)|\$'((?:[^'\\]|\\['\\]|\\u[\da-f]{4}|\\U00(?:0[\da-f]|10)[\da-f]{4})*)')(?= |$)/gsuy

/** The reverse; undefined: it is no line of ours. */
export function readCommandLine(line: string): readonly string[] | undefined {
  const words: string[] = []
  let at = 0
  for (const found of line.matchAll(WORD)) {
    const [whole, plain, single, spelled = ''] = found
    words.push(plain ?? single?.replace(/'([^']*)'|\\'/gs, unquoted) ?? unspelled(spelled))
    at = found.index + whole.length
  }
  return at === line.length ? words : undefined
}

function unquoted(_: string, inside: string | undefined): string {
  return inside ?? "'"
}

function unspelled(text: string): string {
  return text.replace(/\\(?:U([\da-f]{8})|u([\da-f]{4})|(.))/gsu, (_, long, short, character) =>
    character === undefined ? String.fromCodePoint(Number.parseInt(long ?? short, 16)) : character,
  )
}
