// From policy texts to a checked set: parsed, type-checked against our schema, compiled, and looked over.
// Any error means no set at all. Each problem has its place in its file.
import type { Json } from '#model'
import { type Annotations, readAnnotations } from './annotations.ts'
import { isWithinBounds } from './bounds.ts'
import { type Complaint, parsePolicies, toJsonForm, typeCheck } from './cedar.ts'
import { CompileError } from './compile/est.ts'
import { lint, type Vocabulary } from './lint.ts'
import { CheckedPolicies, type PolicySet } from './policy-set.ts'
import { makeRule, type Rule } from './rule.ts'
import { schemaText } from './schema.ts'
import { Places, type Slice, slices } from './tokens.ts'

/** A file of policies. `name` is for messages. */
export interface PolicyFile {
  readonly name: string
  readonly text: string
}

/** Something wrong. Line and column count from 1. */
export interface Problem {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly severity: 'error' | 'warning'
  readonly message: string
  /** The policy's id, where it has one. */
  readonly policy?: string
}

interface Read {
  readonly file: PolicyFile
  readonly places: Places
  readonly slice: Slice
  /** The library's name for it while it is checked. */
  readonly key: string
  readonly form: Json
  readonly rule: Rule
}

/** Checks files together. `set` is there when no problem is an error. */
export function checkPolicies(
  files: readonly PolicyFile[],
  vocabulary?: Vocabulary,
): { set: PolicySet | undefined; problems: readonly Problem[] } {
  const problems: Problem[] = []
  const read: Read[] = []
  for (const file of files) readFile(file, read, problems)
  uniqueIds(read, problems)
  types(read, problems)
  const sources = new Map(read.map(item => [item.slice, item]))
  for (const { source, message, token } of lint(read, vocabulary)) {
    const item = sources.get(source.slice)
    if (item) problems.push(problem(item, token?.start ?? item.slice.start, 'warning', message))
  }
  problems.sort(byPlace)
  if (problems.some(({ severity }) => severity === 'error')) return { set: undefined, problems }
  const rules = read.map(item => item.rule)
  return {
    set: new CheckedPolicies(
      rules,
      read.map(item => item.form),
    ),
    problems,
  }
}

function byPlace(a: Problem, b: Problem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

function readFile(file: PolicyFile, read: Read[], problems: Problem[]): void {
  const places = new Places(file.text)
  const fail = (offset: number, message: string) => {
    problems.push({ file: file.name, ...places.at(offset), severity: 'error', message })
  }
  const cut = slices(file.text)
  const unbounded = cut.find(slice => !isWithinBounds(slice))
  if (unbounded !== undefined) {
    fail(unbounded.start, 'nested too deeply or too long: split the policy')
    return
  }
  const parsed = parsePolicies(file.text)
  if ('complaints' in parsed) {
    for (const { message, offset } of parsed.complaints) {
      fail(places.fromBytes(offset ?? 0), plain(message))
    }
    return
  }
  const template = cut.find(slice => slice.tokens.some(token => token.text === '?'))
  if (parsed.templates > 0) {
    fail(template?.start ?? 0, 'templates (?principal, ?resource) are for grants, not for files')
    return
  }
  // Our cutter against the library's parser: a difference would give policies wrong names or places.
  const theirs = parsed.policies.map(text => text.trim()).sort()
  const ours = cut.map(slice => slice.text).sort()
  const agrees = ours.length === theirs.length && ours.every((text, at) => text === theirs[at])
  if (!agrees) {
    fail(0, 'the file cannot be cut into policies safely; separate them plainly')
    return
  }
  for (const slice of cut) readPolicy({ file, places, slice }, read, problems)
}

function readPolicy(
  source: Pick<Read, 'file' | 'places' | 'slice'>,
  read: Read[],
  problems: Problem[],
): void {
  const { file, places, slice } = source
  const fail = (offset: number, message: string, policy?: string) =>
    problems.push(problem({ file, places, policy }, offset, 'error', message))
  const answer = toJsonForm(slice.text)
  if ('complaints' in answer) {
    for (const { message } of answer.complaints) fail(slice.start, plain(message))
    return
  }
  const { form } = answer
  const raw = annotationsOf(form['annotations'])
  const id = raw['id']
  if (id === undefined || !/^[\w.:/ -]{1,120}$/.test(id) || id.trim() !== id) {
    const message =
      id === undefined
        ? 'every policy needs an @id("name")'
        : '@id must be 1 to 120 letters, digits, spaces or . : _ / -'
    fail(annotationPlace(slice, 'id'), message)
    return
  }
  const { annotations, problems: wrong } = readAnnotations(raw)
  for (const { name, message } of wrong) fail(annotationPlace(slice, name), message, id)
  const rule = compile(id, source, form, annotations, message => fail(slice.start, message, id))
  if (rule) read.push({ ...source, key: `p${read.length}`, form, rule })
}

function compile(
  id: string,
  { file, places, slice }: Pick<Read, 'file' | 'places' | 'slice'>,
  form: Parameters<typeof makeRule>[1],
  annotations: Annotations,
  fail: (message: string) => void,
): Rule | undefined {
  try {
    const { line } = places.at(slice.start)
    return makeRule(id, form, { annotations, file: file.name, line, conditions: conditions(slice) })
  } catch (error) {
    // The library knows a form that we do not: refused here, so that nothing runs with another meaning.
    if (error instanceof CompileError || error instanceof RangeError) {
      fail(`cannot be compiled: ${error.message}`)
      return undefined
    }
    throw error
  }
}

function annotationsOf(node: Json | undefined): Record<string, string> {
  const found: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(node ?? {})) {
    found[name] = typeof value === 'string' ? value : ''
  }
  return found
}

function annotationPlace(slice: Slice, name: string): number {
  const at = slice.tokens.findIndex(
    (token, index) => token.text === name && slice.tokens[index - 1]?.text === '@',
  )
  return slice.tokens[at]?.start ?? slice.start
}

/** The texts of `when { … }` and `unless { … }`, as written. */
function conditions(slice: Slice): readonly string[] {
  const found: string[] = []
  let depth = 0
  let start: number | undefined
  for (const token of slice.tokens) {
    const opens = '({['.includes(token.text)
    if (depth === 0 && token.kind === 'word' && /^(when|unless)$/.test(token.text)) {
      start = token.start
    }
    if (token.kind !== 'sign') continue
    if (opens) depth++
    else if (')}]'.includes(token.text)) depth--
    if (token.text === '}' && depth === 0 && start !== undefined) {
      found.push(slice.text.slice(start - slice.start, token.end - slice.start))
      start = undefined
    }
  }
  return found
}

function uniqueIds(read: readonly Read[], problems: Problem[]): void {
  const seen = new Map<string, Read>()
  for (const item of read) {
    const first = seen.get(item.rule.id)
    if (first === undefined) {
      seen.set(item.rule.id, item)
      continue
    }
    const where = `${first.file.name}:${first.rule.line}`
    const message = `@id("${item.rule.id}") is taken by the policy at ${where}`
    problems.push(problem(item, annotationPlace(item.slice, 'id'), 'error', message))
  }
}

function types(read: readonly Read[], problems: Problem[]): void {
  const byKey = new Map(read.map(item => [item.key, item]))
  const texts = Object.fromEntries(read.map(item => [item.key, item.slice.text]))
  const complaints = typeCheck(texts, schemaText())
  const wrong = new Set(
    complaints.filter(({ severity }) => severity === 'error').map(({ policy }) => policy),
  )
  for (const complaint of complaints) {
    // Of a policy that does not check, the library also says that it never applies: one message is enough.
    if (complaint.severity === 'warning' && wrong.has(complaint.policy)) continue
    if (complaint.message.startsWith('unable to find an applicable action')) continue
    const item = byKey.get(complaint.policy ?? '')
    if (item === undefined) {
      const file = read[0]?.file.name ?? ''
      const message = plain(complaint.message)
      problems.push({ file, line: 1, column: 1, severity: complaint.severity, message })
      continue
    }
    const offset = item.slice.start + new Places(item.slice.text).fromBytes(complaint.offset ?? 0)
    problems.push(problem(item, offset, complaint.severity, wording(complaint)))
  }
}

/** The library's words; of its two warnings about policies that never apply, one says it. */
function wording({ message }: Complaint): string {
  if (message.startsWith('policy is impossible')) {
    return 'unreachable: its scope and conditions can never hold'
  }
  return plain(message)
}

function plain(message: string): string {
  return message.replace(/^failed to parse polic(?:y|ies) from string: /, '')
}

function problem(
  item: { file: PolicyFile; places: Places; rule?: Rule; policy?: string | undefined },
  offset: number,
  severity: Problem['severity'],
  message: string,
): Problem {
  const policy = item.rule?.id ?? item.policy
  return {
    file: item.file.name,
    ...item.places.at(offset),
    severity,
    message,
    ...(policy === undefined ? {} : { policy }),
  }
}
