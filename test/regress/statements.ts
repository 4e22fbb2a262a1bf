// Cuts a file of SQL, as it is written for psql, into its statements: what a program would send one by one. Not
// exact where psql's own language is used (variables, conditions): both sides get the same, whatever it is.

const TOKEN =
  /'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|--[^\n]*|\/\*[\s\S]*?\*\/|[();]|\\\w[^\n]*|\b(?:atomic|end|case)\b|[^'"$\-/();\\\w]+|\w+|[\s\S]/giy

/** The statements of `text`, without their semicolons. COPY with rows in the file, and psql's own commands, are left out. */
export function statementsOf(text: string): string[] {
  const found: string[] = []
  let statement = ''
  let depth = 0
  // Inside BEGIN ATOMIC … END, and the CASEs in it.
  let bodies = 0
  for (const [token] of withoutRows(text).matchAll(TOKEN)) {
    const word = token.toLowerCase()
    if (token.startsWith('--') || token.startsWith('/*')) {
      statement += ' '
      continue
    }
    if (token.startsWith('\\') && token.length > 1) {
      // \gexec, \gset and the like end a statement; it is sent all the same.
      if (/^\\(g|crosstabview|watch)/.test(token)) take()
      continue
    }
    if (token === '(') depth += 1
    if (token === ')') depth = Math.max(0, depth - 1)
    if (word === 'atomic') bodies += 1
    else if (word === 'case' && bodies > 0) bodies += 1
    else if (word === 'end' && bodies > 0) bodies -= 1
    if (token === ';' && depth === 0 && bodies === 0) take()
    else statement += token
  }
  take()
  return found

  function take(): void {
    const text = statement.trim()
    statement = ''
    depth = bodies = 0
    if (text !== '') found.push(text)
  }
}

/** Without the rows that follow a COPY FROM STDIN, and without that COPY. */
function withoutRows(text: string): string {
  return text.replaceAll(/^\s*copy\b[^;]*\bfrom\s+stdin\b[^;]*;\n(?:[\s\S]*?\n)?\\\.$/gim, '')
}
