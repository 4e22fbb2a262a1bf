// A body as a person reads it: YAML with every doubtful word in quotes. Two bodies that are not the same have two texts, and
// the text reads back as the body.
import { InvalidRequest } from '#model'
import { isList, isObject, quoted, scalarText, type Tree } from './tree.ts'

/** Stands for itself in YAML of any version, and for no number, boolean or null. */
const PLAIN = /^[A-Za-z_/.](?:[\w/.@+-]|:(?=[\w/.@+-]))*$/
const WORD = /^(?:y|yes|n|no|on|off|true|false|null|~|\.?(?:inf|nan)|\.[\d_.eE+-]*|\.{3,})$/i
/** Lines that can stand as they are: the first begins with a word, no blanks at their ends, nothing that cannot be seen. */
const LINES = /^(?![ \t\n])(?:[\p{L}\p{M}\p{N}\p{P}\p{S} \t]*[\p{L}\p{M}\p{N}\p{P}\p{S}]\n|\n)+$/u

/** What stands deep in a body is far to the right on its line: a text may be many times as long as the body, and is kept. */
const LONGEST = 12 * 1024 * 1024

/** Throws InvalidRequest. */
export function bodyText(tree: Tree): string {
  return block(tree, '', { left: LONGEST }).replace(/^[\n ]/, '')
}

interface Room {
  left: number
}

function take(room: Room, characters: number): void {
  room.left -= characters
  if (room.left < 0)
    throw new InvalidRequest(
      'statement_too_large',
      `a body may have ${LONGEST / 1024 / 1024} MiB at most as it is shown: it is nested too deeply`,
    )
}

/** What stands behind `name:` or `-`. */
function block(tree: Tree, indent: string, room: Room): string {
  if (isObject(tree)) {
    if (tree.size === 0) return ' {}'
    let text = ''
    // A list stands as deep as its name, as kubectl writes it.
    for (const [name, value] of tree)
      text += `\n${indent}${scalar(name)}:${block(value, isList(value) ? indent : `${indent}  `, room)}`
    return text
  }
  if (isList(tree)) {
    if (tree.length === 0) return ' []'
    let text = ''
    for (const item of tree) {
      const inner = block(item, `${indent}  `, room)
      // The first name of an object stands on the line of its dash.
      text += `\n${indent}-${inner.startsWith('\n') ? ` ${inner.slice(indent.length + 3)}` : inner}`
    }
    return text
  }
  take(room, indent.length)
  if (typeof tree !== 'string') return ` ${scalarText(tree) ?? 'null'}`
  take(room, tree.length)
  if (tree.includes('\n') && LINES.test(tree) && !tree.endsWith('\n\n')) {
    const lines = tree.slice(0, -1).split('\n')
    take(room, lines.length * indent.length)
    return ` |\n${lines.map(line => (line === '' ? '' : `${indent}${line}`)).join('\n')}`
  }
  return ` ${scalar(tree)}`
}

function scalar(text: string): string {
  return PLAIN.test(text) && !WORD.test(text) ? text : quoted(text)
}
