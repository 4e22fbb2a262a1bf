// Settings: which a session may change, which change how a text is read (refused), and what the new value is.
import { type Draft, Refusal } from '../draft.ts'
import { fixedPlan } from '../lineage/index.ts'
import { searchPathOf } from './search-path.ts'
import { harmlessSettings, publicSettings } from './settings-list.ts'
import { constantOf, fieldsOf, listOf, type Tree, textOf } from './tree.ts'
import type { Handler } from './walk.ts'

type Constant = ReturnType<typeof constantOf>

/** GUC names are compared without case, in ASCII only. */
function folded(name: string): string {
  return name.replace(/[A-Z]/g, each => each.toLowerCase())
}

export function isPublicSetting(name: Constant): boolean {
  if (typeof name !== 'string') return false
  const key = folded(name)
  return harmlessSettings.has(key) || publicSettings.has(key)
}

interface Change {
  /** Undefined or not a text: built at run time. */
  readonly name: Constant
  /** Undefined: not known before it runs. */
  readonly value: Constant
  /** False: the value may come from a table. */
  readonly known: boolean
  readonly local: boolean
}

/** Notes the change and says which action it is. Throws for what would change how texts are read. */
export function settingChange(change: Change, draft: Draft): 'connect' | 'administer' {
  if (typeof change.name !== 'string') {
    throw new Refusal('setting_refused', 'the setting to change must be named by a literal')
  }
  const name = folded(change.name)
  const value = change.value === undefined || change.value === null ? undefined : `${change.value}`
  refuseRereading(name, value)
  if (!change.known) {
    throw new Refusal('setting_refused', `the value of ${quoted(name)} must be a literal`)
  }
  draft.settings.push({ name, value, local: change.local })
  if (name === 'search_path' && !isPlainPath(value)) return 'administer'
  return harmlessSettings.has(name) ? 'connect' : 'administer'
}

/** PostgreSQL's own spellings of `on` that we accept. */
const on = new Set(['on', 'true', 'yes', '1', 't', 'y'])

/** These decide where a literal ends: we and the server must read the same text. */
function refuseRereading(name: string, value: string | undefined): void {
  if (name === 'client_encoding') {
    // The server ignores case and all but letters and digits.
    const encoding = folded(value ?? '').replace(/[^a-z0-9]/g, '')
    if (encoding === 'utf8' || encoding === 'unicode') return
    throw new Refusal('setting_refused', 'client_encoding stays UTF8')
  }
  if (name === 'standard_conforming_strings') {
    if (on.has(folded(value ?? ''))) return
    throw new Refusal('setting_refused', 'standard_conforming_strings stays on')
  }
  if (name === 'backslash_quote') {
    throw new Refusal('setting_refused', 'backslash_quote cannot be changed')
  }
}

/** pg_catalog must stay first: behind another schema, that schema's functions hide the built-in ones. */
function isPlainPath(value: string | undefined): boolean {
  const schemas = value === undefined ? undefined : searchPathOf(value)
  return schemas !== undefined && schemas.indexOf('pg_catalog') <= 0
}

const identities: ReadonlySet<string> = new Set(['role', 'session_authorization'])

/** Adds the operation of a change to a setting. */
export function addSetting(
  action: 'connect' | 'administer',
  verb: string,
  name: Constant,
  draft: Draft,
): void {
  const identity = typeof name === 'string' && identities.has(folded(name))
  draft.add(action, verb, undefined, [], identity ? 'session_identity' : 'settings')
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_.]{0,62}$/.test(name) ? name : 'this setting'
}

function constants(list: unknown): Constant[] {
  return listOf(list).map(each => {
    // SET TIME ZONE INTERVAL '1' HOUR and the like.
    const cast = fieldsOf(each, 'TypeCast')
    return constantOf(cast === undefined ? each : cast['arg'])
  })
}

function identifier(name: Constant): string {
  const text = String(name)
  return /^[a-z_][a-z0-9_]*$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`
}

function settingValue(name: string, list: unknown): string | undefined {
  const values = constants(list)
  if (values.length === 0 || values.some(each => each === undefined)) return undefined
  if (folded(name) === 'search_path') return values.map(identifier).join(', ')
  return values.map(String).join(', ')
}

const setStatement: Handler = (fields, { draft }) => {
  const kind = textOf(fields['kind'])
  const name = textOf(fields['name']) ?? ''
  const local = fields['is_local'] === true
  draft.literalsMatter = true
  draft.verb = kind?.startsWith('VAR_RESET') ? 'RESET' : 'SET'
  if (kind === 'VAR_SET_VALUE') {
    const value = settingValue(name, fields['args'])
    addSetting(settingChange({ name, value, known: true, local }, draft), 'SET', name, draft)
  } else if (kind === 'VAR_SET_MULTI') {
    multiple(name, fields, draft)
  } else if (kind === 'VAR_SET_DEFAULT' || kind === 'VAR_RESET') {
    const key = folded(name)
    draft.settings.push({ name: key, value: undefined, local })
    // The session's own defaults were fixed at its start: going back to them is safe.
    addSetting(harmlessSettings.has(key) ? 'connect' : 'administer', draft.verb, key, draft)
  } else if (kind === 'VAR_RESET_ALL') {
    draft.settings.push({ name: 'all', value: undefined, local: false })
    draft.add('connect', 'RESET')
  } else {
    draft.add('administer', 'SET', undefined, ['dynamic'])
  }
}

/** SET TRANSACTION, SET SESSION CHARACTERISTICS, SET TRANSACTION SNAPSHOT. */
function multiple(name: string, fields: Tree, draft: Draft): void {
  const local = name !== 'SESSION CHARACTERISTICS'
  for (const each of listOf(fields['args'])) {
    const item = fieldsOf(each, 'DefElem')
    if (item === undefined) continue
    const short = textOf(item['defname']) ?? ''
    const key = local ? short : `default_${short}`
    const value = constantOf(item['arg'])
    draft.settings.push({ name: key, value: value === undefined ? undefined : `${value}`, local })
  }
  draft.add('connect', 'SET', undefined, [], 'tx')
}

const showStatement: Handler = (fields, { draft }) => {
  const name = textOf(fields['name']) ?? ''
  draft.verb = 'SHOW'
  draft.returnsRows = true
  const all = folded(name) === 'all'
  draft.planned = fixedPlan(all ? 3 : 1)
  draft.add(isPublicSetting(name) ? 'connect' : 'administer', 'SHOW')
}

const discardStatement: Handler = (fields, { draft }) => {
  const target = textOf(fields['target'])
  draft.verb = 'DISCARD'
  if (target === 'DISCARD_ALL') {
    draft.settings.push({ name: 'all', value: undefined, local: false })
    draft.deallocates = { name: undefined }
    draft.closes = { cursor: undefined }
    draft.changesCatalog = true
    // Also RESET SESSION AUTHORIZATION.
    draft.add('administer', 'DISCARD', undefined, [], 'session_identity')
  } else if (target === 'DISCARD_TEMP') {
    draft.changesCatalog = true
    draft.add('define', 'DISCARD', undefined, ['destructive'])
  } else {
    draft.add('connect', 'DISCARD')
  }
}

export const settingStatements: Readonly<Record<string, Handler>> = {
  VariableShowStmt: showStatement,
  DiscardStmt: discardStatement,
  VariableSetStmt: setStatement,
}
