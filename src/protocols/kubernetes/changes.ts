// What a write would change of an object, line by line, for whoever approves it: paths and values, before and after.

/** What the API server keeps by itself, and a reader need not see. */
const OWN: ReadonlySet<string> = new Set([
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.uid',
  'metadata.creationTimestamp',
  'metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]',
])
const MOST_LINES = 500
const LONGEST_VALUE = 200

/** A value that is not told: that it changes may be. */
export class Untold {
  readonly held: string

  constructor(held: unknown) {
    this.held = JSON.stringify(held)
  }
}

/** A JSON value with what differs from its masked twin untold. */
export function untold(value: unknown, masked: unknown): unknown {
  if (Array.isArray(value) && Array.isArray(masked) && value.length === masked.length)
    return value.map((item, i) => untold(item, masked[i]))
  if (isMap(value) && isMap(masked)) {
    const names = Object.keys(value)
    if (names.length === Object.keys(masked).length && names.every(n => Object.hasOwn(masked, n)))
      return Object.fromEntries(names.map(name => [name, untold(value[name], masked[name])]))
  }
  return isSame(value, masked) ? value : new Untold(value)
}

export interface Changes {
  readonly lines: readonly string[]
  /** More than are told. */
  readonly more: number
}

/** `before`, `after`: JSON values; undefined: there is none. `hides`: paths whose values are not told. */
export function changesOf(
  before: unknown,
  after: unknown,
  hides: (path: string) => boolean = () => false,
): Changes {
  const lines: string[] = []
  let more = 0
  const tell = (line: string): void => {
    if (lines.length < MOST_LINES) lines.push(line)
    else more += 1
  }
  const shown = (path: string, value: unknown): string =>
    value instanceof Untold || hides(path) ? '[hidden]' : written(value)
  const walk = (path: string, from: unknown, to: unknown): void => {
    if (OWN.has(path) || isSame(from, to)) return
    if (isMap(from) && isMap(to)) {
      for (const key of new Set([...Object.keys(from), ...Object.keys(to)]))
        walk(below(path, key), own(from, key), own(to, key))
      return
    }
    if (Array.isArray(from) && Array.isArray(to)) {
      elements(path, from, to, walk)
      return
    }
    // A part that comes or goes as a whole is told by its leaves: each may be one that is not shown.
    if (isNested(to) && from === undefined)
      leaves(path, to, (at, value) => tell(`+ ${at}: ${shown(at, value)}`))
    else if (isNested(from) && to === undefined)
      leaves(path, from, (at, value) => tell(`- ${at}: ${shown(at, value)}`))
    else if (from === undefined) tell(`+ ${path}: ${shown(path, to)}`)
    else if (to === undefined) tell(`- ${path}: ${shown(path, from)}`)
    else if (isNested(from) || isNested(to)) {
      walk(path, from, undefined)
      walk(path, undefined, to)
    } else tell(`~ ${path}: ${shown(path, from)} → ${shown(path, to)}`)
  }
  walk('', before, after)
  return { lines, more }
}

type Walk = (path: string, from: unknown, to: unknown) => void

/** Elements that have names are compared by them, as the API server merges them; others by their place. */
function elements(
  path: string,
  from: readonly unknown[],
  to: readonly unknown[],
  walk: Walk,
): void {
  const names = [namesOf(from), namesOf(to)]
  const [had, has] = names
  if (had === undefined || has === undefined) {
    for (let at = 0; at < Math.max(from.length, to.length); at += 1)
      walk(`${path}[${at}]`, from[at], to[at])
    return
  }
  for (const name of new Set([...had, ...has]))
    walk(`${path}[${name}]`, from[had.indexOf(name)], to[has.indexOf(name)])
}

/** Undefined: not every element has one, or one has another's. */
function namesOf(list: readonly unknown[]): readonly string[] | undefined {
  const names = list.map(each => (isMap(each) ? own(each, 'name') : undefined))
  return names.every(name => typeof name === 'string') && new Set(names).size === names.length
    ? (names as string[])
    : undefined
}

function leaves(path: string, value: unknown, tell: (path: string, value: unknown) => void): void {
  if (OWN.has(path)) return
  if (isMap(value) && Object.keys(value).length > 0)
    for (const [key, item] of Object.entries(value)) leaves(below(path, key), item, tell)
  else if (Array.isArray(value) && value.length > 0) {
    const names = namesOf(value)
    for (const [at, item] of value.entries()) leaves(`${path}[${names?.[at] ?? at}]`, item, tell)
  } else tell(path, value)
}

function below(path: string, key: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}

function written(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}

function isSame(from: unknown, to: unknown): boolean {
  if (from instanceof Untold && to instanceof Untold) return from.held === to.held
  return from === to || (!isNested(from) && !isNested(to) && Object.is(from, to))
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof Untold)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return isNested(value) && !Array.isArray(value)
}

/** (A key may be `__proto__`.) */
function own(map: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined
}
