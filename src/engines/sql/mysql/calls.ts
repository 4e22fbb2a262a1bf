// Calls of functions, with their arguments.
import { expression } from './expressions.ts'
import {
  categoryOfForeign,
  effectOf,
  isSafeFunction,
  sequenceFunctions,
  unitFirst,
} from './functions.ts'
import { folded, relationIn, routineIn, wordsIn } from './names.ts'
import { orderBy, query, windowSpec } from './queries.ts'
import { isTree, type Tree, wordsOf } from './syntax-tree.ts'
import { eachOf, opened, unknown, type Walk } from './walk.ts'

export function call(held: unknown, walk: Walk): void {
  if (!isTree(held)) throw unknown('Function')
  const words = wordsIn(held['name'])
  const name = folded(words.at(-1)?.text ?? '')
  const schema = words.length === 2 ? words[0]?.text : undefined
  if (words.length > 2) throw unknown('a function')
  if (schema === undefined && sequenceFunctions.has(name)) {
    sequence(name, held, walk)
    return
  }
  effect(schema, name, walk)
  const skipFirst = schema === undefined && unitFirst.has(name)
  walk.fields(held, 'Function', {
    name: true,
    parameters: true,
    args: value => given(value, walk, skipFirst),
    over: value => over(value, walk),
    within_group: value => orderBy(value, walk),
    null_treatment: true,
  })
}

function effect(schema: string | undefined, name: string, walk: Walk): void {
  const { draft, verb } = walk
  const object = routineIn({ schema, name })
  if (schema !== undefined) {
    draft.functions.push(object)
    draft.add('execute', verb, { name: object, kind: 'function' }, [], categoryOfForeign(name))
    return
  }
  draft.functions.push(name)
  if (isSafeFunction(name)) {
    // One that this server lacks may be a user's.
    draft.presumedBuiltIn.push(name)
    return
  }
  const known = effectOf(name)
  const called = { name, kind: 'function' }
  if (known === undefined) draft.add('execute', verb, called, [], categoryOfForeign(name))
  else draft.add('execute', verb, called, known.flags, known.category)
}

/** `nextval(s)`: its argument names a relation. */
function sequence(name: string, held: Tree, walk: Walk): void {
  const list = isTree(held['args']) ? held['args']['List'] : undefined
  const [first] = isTree(list) && Array.isArray(list['args']) ? list['args'] : []
  const unnamed = isTree(first) ? first['Unnamed'] : undefined
  const value = isTree(unnamed) ? unnamed['Expr'] : undefined
  const [type, word] = opened(value, 'a sequence')
  const parts = type === 'Identifier' ? [word] : word
  if (wordsOf(parts) === undefined) throw unknown('a sequence')
  // MySQL has none: there it is a user's function.
  walk.draft.presumedBuiltIn.push(name)
  walk.draft.functions.push(name)
  walk.fields(held, 'Function', {
    name: true,
    parameters: true,
    args: value => given(value, walk, true),
  })
  walk.draft.touch(name === 'lastval' ? 'read' : 'write', name.toUpperCase(), relationIn(parts), [])
}

function given(value: unknown, walk: Walk, skipFirst: boolean): void {
  const [type, held] = opened(value, 'arguments')
  if (type === 'None') return
  if (type === 'Subquery') {
    query(held, walk)
    return
  }
  if (type !== 'List') throw unknown(type)
  walk.fields(held, 'FunctionArgumentList', {
    duplicate_treatment: true,
    args: list => {
      let first = skipFirst
      eachOf(list, each => {
        if (!first) argument(each, walk)
        first = false
      })
    },
    clauses: list => eachOf(list, each => clause(each, walk)),
  })
}

function argument(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'an argument')
  if (type !== 'Unnamed') throw unknown(type)
  const [kind, inner] = opened(held, 'an argument')
  if (kind === 'Expr') expression(inner, walk)
  // `count(*)` reads no column.
  else if (kind !== 'Wildcard') throw unknown(kind)
}

/** Of GROUP_CONCAT and JSON_VALUE. */
function clause(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a clause')
  if (type === 'OrderBy') orderBy(held, walk)
  else if (type === 'Limit') expression(held, walk)
  else if (type !== 'Separator' && type !== 'IgnoreOrRespectNulls') throw unknown(type)
}

function over(value: unknown, walk: Walk): void {
  const [type, held] = opened(value, 'a window')
  if (type === 'WindowSpec') windowSpec(held, walk)
  else if (type !== 'NamedWindow') throw unknown(type)
}
