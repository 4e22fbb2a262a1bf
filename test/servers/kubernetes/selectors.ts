// Label and field selectors, as queries carry them.
import { type KubeObject, text } from './objects.ts'
import { StatusError } from './status.ts'

export type Matches = (object: KubeObject) => boolean

export function selectorOf(query: URLSearchParams): Matches {
  const labels = labelSelector(query.get('labelSelector') ?? '')
  const fields = fieldSelector(query.get('fieldSelector') ?? '')
  return object => labels(object.metadata.labels ?? {}) && fields(object)
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k` */
export function labelSelector(said: string): (labels: Readonly<Record<string, string>>) => boolean {
  const parts = said.match(/[^,(]+(?:\([^)]*\))?/g) ?? []
  const tests = parts.map(part => requirement(part.trim()))
  return labels => tests.every(test => test(labels))
}

function requirement(part: string): (labels: Readonly<Record<string, string>>) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(part)
  if (set) {
    const [, key = '', operator, values = ''] = set
    const list = values.split(',').map(value => value.trim())
    return labels => {
      const value = labels[key]
      return (value !== undefined && list.includes(value)) === (operator === 'in')
    }
  }
  const equal = /^([^!=\s]+)\s*(==|=|!=)\s*(\S*)$/.exec(part)
  if (equal) {
    const [, key = '', operator, value] = equal
    return labels => (labels[key] === value) === (operator !== '!=')
  }
  if (/^![^!=\s]+$/.test(part)) return labels => labels[part.slice(1)] === undefined
  if (/^[^!=\s]+$/.test(part)) return labels => labels[part] !== undefined
  throw new StatusError(400, `unable to parse requirement: ${part}`)
}

function fieldSelector(said: string): Matches {
  const tests = said
    .split(',')
    .filter(part => part !== '')
    .map(part => {
      const found = /^([^!=]+)(==|=|!=)(.*)$/.exec(part)
      if (!found) throw new StatusError(400, `invalid field selector: ${part}`)
      const [, path = '', operator, value = ''] = found
      return (object: KubeObject) =>
        (text(object, ...path.split('.')) === value) === (operator !== '!=')
    })
  return object => tests.every(test => test(object))
}
